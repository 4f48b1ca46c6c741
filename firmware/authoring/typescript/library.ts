/**
 * The global types of a program. The real library of TypeScript is left out (`noLib`): what is not declared here does
 * not exist on the machine either, so the checker refuses it.
 */
export const LIBRARY = `
interface Array<T> {
  /** Read only: arrays grow by push. */
  readonly length: number;
  [index: number]: T;
  /** Adds one item at the end. */
  push(item: T): void;
  /** A copy of part of it; 0 <= start <= end <= length, else index_range. */
  slice(start: number, end?: number): T[];
}
interface ReadonlyArray<T> {
  readonly length: number;
  readonly [index: number]: T;
  slice(start: number, end?: number): T[];
}
interface String {
  /** In code points, not UTF-16 units. */
  readonly length: number;
  /** 0 <= start <= end <= length in code points, else index_range. */
  slice(start: number, end?: number): string;
  /** Position in code points, or -1; the part has at most 64 bytes. */
  indexOf(part: string): number;
  includes(part: string): boolean;
  startsWith(part: string): boolean;
  /** The separator is a literal of 1 to 8 characters. */
  split(separator: string): string[];
}
interface Number {}
interface Boolean {}
interface Object {}
interface Function {}
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments {}
interface RegExp {}
declare const Math: {
  floor(x: number): number;
  ceil(x: number): number;
  trunc(x: number): number;
  abs(x: number): number;
  sqrt(x: number): number;
  min(first: number, second: number, ...more: readonly number[]): number;
  max(first: number, second: number, ...more: readonly number[]): number;
};
declare const Object: {
  /** Sorted by UTF-16 code unit, not in order of insertion. */
  keys(of: object): string[];
};
`.trimStart();
