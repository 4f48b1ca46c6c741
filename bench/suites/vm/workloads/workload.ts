/** One computation in every engine's own terms. All forms take the same payload and must give the same body. */
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";

/** What a WebAssembly form exports: numbers only, as its host language has nothing else. */
export type WasmExports = Readonly<Record<string, (...args: number[]) => number>>;

export interface WasmForm {
  /** Text format; `fuel` is a mutable exported i64, `fuelText` writes its checks. */
  readonly text: string;
  call(exports: WasmExports, payload: JsonObject): Json;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What one unit is, for the rates. */
  readonly unit: string;
  /** Units done by one run. */
  readonly units: number;
  readonly what: string;
  readonly payload: JsonObject;
  readonly document: JsonObject;
  /** The same algorithm in JavaScript. Its text is what QuickJS and isolated-vm get, so it uses nothing from outside. */
  readonly native: (payload: never) => Json;
  readonly wasm: WasmForm;
  /** The body that every engine must give. */
  readonly expected: JsonObject;
}

/**
 * Charges `cost` before a basic block and traps when the fuel is spent; `cost` counts the block's WebAssembly
 * instructions, roughly as metering tools for WebAssembly do.
 */
export const burn = (cost: number): string =>
  `(global.set $fuel (i64.sub (global.get $fuel) (i64.const ${cost})))
   (if (i64.lt_s (global.get $fuel) (i64.const 0)) (then unreachable))`;

export const FUEL = `(global $fuel (export "fuel") (mut i64) (i64.const 0))`;

/** Numbers of a payload in the order asked for. @throws TypeError if one is missing. */
export function numbersOf(payload: JsonObject, ...names: readonly string[]): number[] {
  return names.map((name) => {
    const value = payload[name];
    if (typeof value !== "number") throw new TypeError(`payload.${name} is not a number.`);
    return value;
  });
}
