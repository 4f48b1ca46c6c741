/** The answer of every rule in this folder: passed with results, or the first reason why not. */
import type { Json } from "../core/json.ts";

export type Details = { readonly [key: string]: Json };
export interface Failed {
  readonly ok: false;
  /** Stable code of codes.md, "Evidence and guard". */
  readonly reason: string;
  readonly details: Details;
}
export type Check<Result extends object = object> = ({ readonly ok: true } & Result) | Failed;

export const failed = (reason: string, details: Details = {}): Failed => ({ ok: false, reason, details });
