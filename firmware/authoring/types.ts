/** What every way of writing a program has in common: a document, where each instruction came from, or problems. */
import type { ProgramDocument } from "../vm/index.ts";

/** A place in a source text; line and column count from 1, columns in UTF-16 units. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where the instruction at `index` of `unit` (`code`, or `code/<i>/body`) was written. */
export interface Origin {
  readonly unit: string;
  readonly index: number;
  readonly position: SourcePosition;
  /** Name of the function it belongs to in the source, null in the main part. */
  readonly fn: string | null;
}

/** One problem of a source text, said to its writer. */
export interface Diagnostic {
  readonly position: SourcePosition;
  /** Stable, snake_case. */
  readonly code: string;
  /** What is wrong. */
  readonly message: string;
  /** What to write instead; null where the message says it all. */
  readonly hint: string | null;
}

export type BuildResult =
  | { readonly ok: true; readonly document: ProgramDocument; readonly origins: readonly Origin[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };
