/** Octets between arguments, drivers and results: `{"$bytes": "<hex>"}` (vm.md 3). */
import { fromHex, toHex } from "../../core/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";

export const toBytesValue = (data: Uint8Array): { readonly $bytes: string } => ({ $bytes: toHex(data) });

/** The octets of an argument that its contract has checked; empty when the argument is absent. */
export function octetsOf(args: JsonObject, name: string): Uint8Array {
  const value: Json | undefined = args[name];
  if (value === undefined || !isJsonObject(value) || typeof value.$bytes !== "string")
    return new Uint8Array();
  return fromHex(value.$bytes);
}

/** A register pointer, most significant octet first. */
export function registerPointer(args: JsonObject): Uint8Array {
  const { register, registerBytes } = args;
  if (typeof register !== "number") return new Uint8Array();
  return registerBytes === 2 || register > 0xff
    ? Uint8Array.of(register >> 8, register & 0xff)
    : Uint8Array.of(register);
}
