/** A comparison of decisions for people and as JSON: places get their labels, instructions and source lines. */
import { printInstruction } from "../authoring/text/index.ts";
import { labelsOf, unitsOf } from "../authoring/units.ts";
import type { Place } from "../composition/diff-calls.ts";
import type { PolicyDiff, PolicyDifference } from "../composition/diff-policy.ts";
import type { ProgramDifference, Side } from "../composition/diff-program.ts";
import { type Verdict, verdictJson } from "../composition/diff-verdicts.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { placeText } from "./diagnostics.ts";
import type { ReplayDiff, Written } from "./replay-diff.ts";
import { pairs, table, time } from "./text.ts";

type ProgramReplayDiff = Extract<ReplayDiff, { readonly kind: "program" }>;

/** Where something stands, as exactly as is known. */
function placeJson(at: Place | null, { document, lines }: Written): JsonObject | null {
  if (at === null) return null;
  const list = unitsOf(document).get(at.unit) ?? [];
  const instr = list[at.index];
  const source = lines.positionOf(at.unit, at.index);
  return {
    unit: at.unit,
    index: at.index,
    fn: at.fn,
    label: labelsOf(list)[at.index] ?? null,
    instruction: instr === undefined ? null : printInstruction(instr),
    source: source && { ...source },
  };
}

function placeLine(at: Place | null, written: Written): string | null {
  const place = placeJson(at, written);
  if (place === null || at === null) return null;
  const source = written.lines.positionOf(at.unit, at.index);
  const { fn, label, instruction } = place;
  const name = typeof label === "string" ? ` ${label}:` : "";
  const frame = typeof fn === "string" ? ` in ${fn}` : "";
  const where = source === null ? "" : `${placeText(source)} `;
  return `${where}${at.unit}:${at.index}${frame}${name} ${typeof instruction === "string" ? instruction : ""}`;
}

const sideJson = (side: Side | null, written: Written): JsonObject | null =>
  side && { call: side.call, value: side.value, at: placeJson(side.at, written) };

function differenceJson(row: ProgramDifference, { recorded, other }: ProgramReplayDiff): JsonObject {
  return {
    what: row.what,
    name: row.name,
    task: row.task,
    recorded: sideJson(row.recorded, recorded),
    other: sideJson(row.other, other),
  };
}

const policyRowJson = (row: PolicyDifference): JsonObject => ({
  ...row,
  recorded: verdictJson(row.recorded),
  given: verdictJson(row.given),
});

/** The whole comparison as one document. */
export function diffJson(compared: ReplayDiff): JsonObject {
  if (compared.kind === "policy") {
    const { diff } = compared;
    return {
      ...diff,
      judged: { ...diff.judged },
      differences: diff.differences.map(policyRowJson),
      unrecorded: diff.unrecorded.map(policyRowJson),
    };
  }
  const { diff } = compared;
  const differences = diff.differences.map((row) => differenceJson(row, compared));
  return {
    ...diff,
    parting: differences[0] ?? null,
    ends: {
      recorded: placeJson(diff.ends.recorded, compared.recorded),
      other: placeJson(diff.ends.other, compared.other),
    },
    differences,
    unrecorded: diff.unrecorded.map((row) => ({ ...row })),
  };
}

const RESULTS = {
  same: "same decisions",
  differs: "decisions part",
  cannot_compare: "cannot compare",
} as const;
const resultOf = ({
  verdict,
  code,
}: {
  readonly verdict: keyof typeof RESULTS;
  readonly code: string | null;
}) => (code === null ? RESULTS[verdict] : `${RESULTS[verdict]}: ${code}`);

const whatOf = ({ what, name }: { readonly what: string; readonly name: string | null }): string =>
  name === null ? what : `${what} ${name}`;

const nameText = ({ name, id, version, programHash, policyHash }: JsonObject): string =>
  [name ?? id, version, programHash ?? policyHash].filter((part) => part !== undefined).join(" ");

const shown = (side: Side | null): Json | "none" => (side === null ? "none" : side.value);

/** Where one side stands; a side that does not have what the other has went on to its end. */
const sideRow = (
  name: string,
  side: Side | null,
  end: Place | null,
  written: Written,
): readonly [string, unknown] =>
  side === null ? [`${name} ends at`, placeLine(end, written)] : [`${name} at`, placeLine(side.at, written)];

function programText(compared: ProgramReplayDiff, isTty: boolean): string {
  const { diff, recorded, other } = compared;
  const [first] = diff.differences;
  const rows: (readonly [string, unknown])[] = [
    ["result", resultOf(diff)],
    ["run", diff.runId],
    ["recorded", nameText(diff.recorded)],
    ["other", nameText(diff.other)],
  ];
  if (first !== undefined) {
    const number = first.recorded?.call ?? first.other?.call ?? null;
    const call = number === null ? "" : `call ${number}: `;
    const task = first.task ? ` of task ${first.task}` : "";
    rows.push(
      ["they part at", `${call}${whatOf(first)}${task}`],
      sideRow("recorded", first.recorded, diff.ends.recorded, recorded),
      sideRow("other", first.other, diff.ends.other, other),
    );
  }
  for (const [name, cost] of Object.entries(diff.costs ?? {})) rows.push([name, cost]);
  for (const { what, name, args } of diff.unrecorded)
    rows.push(["unrecorded", `${whatOf({ what, name })}${args === null ? "" : ` ${JSON.stringify(args)}`}`]);
  const names = ["what", "call", "recorded", "other call", "other"];
  const list = diff.differences.map((row) => [
    whatOf(row),
    row.recorded?.call,
    shown(row.recorded),
    row.other?.call,
    shown(row.other),
  ]);
  return `${pairs(rows)}${list.length === 0 ? "" : `\n${table(names, list, isTty)}`}`;
}

function verdictText({ outcome, step, code, reason }: Verdict): string {
  if (outcome === "allow") return "allow";
  const why = [code, reason === code ? null : reason].filter((part) => part !== null).join(" ");
  const at = step === null ? "" : `${step}: `;
  return outcome === "unrecorded" ? `unrecorded: ${step ?? "record"}` : `deny ${at}${why}`;
}

function policyRow(row: PolicyDifference): readonly unknown[] {
  const when = row.atMs === null ? null : time(row.atMs);
  const more = row.figures ?? row.args;
  return [whatOf(row), row.call, when, verdictText(row.recorded), verdictText(row.given), more];
}

function policyText(diff: PolicyDiff, isTty: boolean): string {
  const rows: (readonly [string, unknown])[] = [
    ["result", resultOf(diff)],
    ["run", diff.runId],
    ["recorded", nameText(diff.recorded)],
    ["given", nameText(diff.given)],
    ["basis", diff.missing === null ? "both policies, judged again" : `the record alone: ${diff.missing}`],
    ["judged", `${diff.judged.calls} calls${diff.judged.release ? " and the reply" : ""}`],
  ];
  const names = ["what", "call", "at", "recorded", "given", "details"];
  const list = [...diff.differences, ...diff.unrecorded].map(policyRow);
  return `${pairs(rows)}${list.length === 0 ? "" : `\n${table(names, list, isTty)}`}`;
}

/** The same for people: what it came to, where they part, then every decision that differs. */
export const diffText = (compared: ReplayDiff, isTty: boolean): string =>
  compared.kind === "policy" ? policyText(compared.diff, isTty) : programText(compared, isTty);
