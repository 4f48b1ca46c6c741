/** What readers see of a map document. */
import type { Json } from "../core/json.ts";
import { type CrdtState, stateValue } from "./crdt/types.ts";

/** The live entries of a map document, sorted by key; none for other types. */
export function liveEntries(state: CrdtState | undefined): readonly (readonly [key: string, value: Json])[] {
  if (state?.type !== "lwwmap" && state?.type !== "ormap") return [];
  const value = stateValue(state);
  return typeof value === "object" && value !== null
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : [];
}

/** A live entry of a last-writer-wins map with the replica that wrote it; null if there is none. */
export function liveEntry(
  state: CrdtState | undefined,
  key: string,
): { readonly value: Json; readonly replica: string } | null {
  if (state?.type !== "lwwmap") return null;
  const register = Object.hasOwn(state.d, key) ? state.d[key] : undefined;
  if (!register || "del" in register) return null;
  return { value: register.v, replica: register.t.slice(register.t.indexOf("@") + 1) };
}
