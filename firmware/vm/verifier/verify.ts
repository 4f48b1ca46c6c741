/** The static verifier (vm.md 6). A program that does not verify never runs. */

import { type Refusal, refusal } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/json.ts";
import type { CapabilityView } from "../capability-view.ts";
import { ISA, type ProgramDocument } from "../types.ts";
import { type Issue, sortIssues } from "./issues.ts";
import { lower } from "./lower.ts";
import type { LoweredProgram } from "./lowered-program.ts";
import { canonicalDocument, checkDocument } from "./program-document.ts";
import { Analysis, checkNames } from "./verify-names.ts";
import { checkShape } from "./verify-shape.ts";
import { checkStacks, warningsOf } from "./verify-stack.ts";

export interface FrameFigures {
  readonly registers: number;
  readonly maxStack: number;
}

/** A document that may run, with the form that runs. Made by the verifier only. */
export interface VerifiedProgram {
  readonly ok: true;
  readonly programHash: string;
  readonly isa: typeof ISA;
  readonly document: ProgramDocument;
  /** Canonical ids, in document order. */
  readonly capabilities: readonly string[];
  readonly outputs: readonly string[];
  /** By `unit#fn`; `fn` is empty for main code and bodies. */
  readonly frames: Readonly<Record<string, FrameFigures>>;
  readonly warnings: readonly Issue[];
  readonly lowered: LoweredProgram;
}

export interface ProgramRefused {
  readonly ok: false;
  readonly issues: readonly Issue[];
}

export interface VerifyOptions {
  /** Values on the stack before the first instruction; only for running single instructions. */
  readonly entryDepth?: number;
}

const refused = (issues: readonly Issue[]): ProgramRefused => ({ ok: false, issues: sortIssues(issues) });

/** `program_invalid` (422) as it is answered and recorded: the first problem is the reason, at most 64 are listed. */
export function programInvalid({ issues }: ProgramRefused): Refusal {
  const listed = issues.map(({ code, unit, index }) => ({ code, unit, index }));
  return refusal("program_invalid", 422, { issues: listed }, issues[0]?.code ?? "bad_field");
}

/** Linear in the size of the document; all problems of the first phase that has any. */
export function verifyProgram(
  document: Json,
  view: CapabilityView,
  options: VerifyOptions = {},
): VerifiedProgram | ProgramRefused {
  const canonical = canonicalDocument(document);
  if (!("text" in canonical)) return refused([canonical]);
  // The analysed document is the canonical text read back: nothing the caller holds can change it later.
  const program = JSON.parse(canonical.text) as ProgramDocument;
  const problems = checkDocument(program, view);
  if (problems.length > 0) return refused(problems);
  const shape = checkShape(program.code as readonly Json[]);
  if (shape.issues.length > 0) return refused(shape.issues);
  const analysis = new Analysis(program, view, shape.root);
  checkNames(analysis);
  if (analysis.issues.length > 0) return refused(analysis.issues);
  const stacks = checkStacks(analysis, options.entryDepth ?? 0);
  if (analysis.issues.length > 0) return refused(analysis.issues);
  const lowered = lower(analysis, stacks);
  const frames = lowered.frames.map((f): [string, FrameFigures] => [
    `${f.unit}#${f.fn ?? ""}`,
    { registers: f.registers, maxStack: f.maxStack },
  ]);
  return {
    ok: true,
    programHash: sha256Hex(canonical.text),
    isa: ISA,
    document: program,
    capabilities: analysis.capabilities,
    outputs: program.outputs ?? [],
    frames: Object.fromEntries(frames),
    warnings: sortIssues(warningsOf(analysis, stacks)),
    lowered,
  };
}
