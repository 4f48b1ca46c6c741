/** Verifies one program file as the device does, and says every finding at its line. */
import { formatDocument } from "../authoring/format-document.ts";
import { issueDiagnostics } from "../authoring/issue-diagnostics.ts";
import type { Diagnostic, SourcePosition } from "../authoring/types.ts";
import { plainJson } from "../composition/state-params.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { type Issue, type ProgramRefused, type VerifiedProgram, verifyProgram } from "../vm/index.ts";
import { formOf, type LoadedProgram, type ProgramForm, readProgram } from "./program-file.ts";
import type { ProgramTools } from "./program-tools.ts";
import type { Session } from "./session.ts";

/** A finding with its place in the document, and in the source where that is known. */
export interface Finding {
  readonly issue: Issue | null;
  readonly diagnostic: Diagnostic;
  /** Null for a document without a map. */
  readonly source: SourcePosition | null;
}

export interface CheckedProgram {
  readonly file: string;
  readonly form: ProgramForm;
  readonly loaded: LoadedProgram | null;
  readonly verified: VerifiedProgram | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

function findings(
  issues: readonly Issue[],
  { origins, members, start, lines, form }: LoadedProgram,
): readonly Finding[] {
  return issueDiagnostics(issues, { origins, members, start }).map((diagnostic, i) => {
    const issue = issues[i] ?? null;
    const isPlaced = issue !== null && issue.unit !== "document" && typeof issue.index === "number";
    const mapped = isPlaced ? lines.positionOf(issue.unit, Number(issue.index)) : null;
    const source = mapped ?? (form === "json" ? null : diagnostic.position);
    return { issue, diagnostic: source === null ? diagnostic : { ...diagnostic, position: source }, source };
  });
}

export async function checkProgram(
  session: Session,
  file: string,
  tools: ProgramTools,
): Promise<CheckedProgram> {
  const read = await readProgram(session, file, tools);
  const form = formOf(file);
  if (!read.ok) {
    const errors = read.diagnostics.map((diagnostic) => ({
      issue: null,
      diagnostic,
      source: diagnostic.position,
    }));
    return { file, form, loaded: null, verified: null, errors, warnings: [] };
  }
  const result: VerifiedProgram | ProgramRefused = verifyProgram(plainJson(read.document), tools.view);
  return {
    file,
    form,
    loaded: read,
    verified: result.ok ? result : null,
    errors: result.ok ? [] : findings(result.issues, read),
    warnings: result.ok ? findings(result.warnings, read) : [],
  };
}

/** Sizes of a verified program. */
export function figuresOf({ document, frames }: VerifiedProgram) {
  const all = Object.entries(frames);
  return {
    bytes: Buffer.byteLength(canonicalize(document)),
    instructions: formatDocument(document).places.length,
    frames: Object.fromEntries(all.map(([name, figures]) => [name, { ...figures }])),
    registers: Math.max(...all.map(([, { registers }]) => registers)),
    maxStack: Math.max(...all.map(([, { maxStack }]) => maxStack)),
    limits: { ...document.limits },
  };
}
