/** A trace as it is kept in a file, read back: its hash chain is computed anew, its records are chosen from. */
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { Run } from "../scenario/types.ts";
import { TraceHash, type TraceRecord } from "../trace/trace.ts";
import type { RunOutcome } from "./outcome.ts";

export const TRACE_FORMAT = "imu.sim-trace/1";

/** First line of a trace file. */
export const traceHead = ({ scenario, seed, varied }: Run): JsonObject => ({
  format: TRACE_FORMAT,
  scenario: scenario.name,
  file: scenario.file,
  seed,
  varied: { ...varied },
});

/** Last line of a trace file. */
export const traceTail = ({ records, traceHash, ok, violations }: RunOutcome): JsonObject => ({
  end: { records, traceHash, ok, violations: violations.map(({ id, what }) => ({ id, what })) },
});

export interface RecordedTrace {
  readonly scenario: string;
  readonly file: string;
  readonly seed: string;
  readonly records: readonly TraceRecord[];
  /** As computed from the records. */
  readonly traceHash: string;
  /** True if the file names the same hash; null if it ends early. */
  readonly isWhole: boolean | null;
}

const malformed = (line: number, why: string): CodedError =>
  new CodedError("malformed", `Line ${line} is no line of a trace: ${why}.`, {
    status: 422,
    details: { line, why },
  });

function objectOn(text: string, line: number): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw malformed(line, "not JSON");
  }
  if (isJsonObject(value)) return value;
  throw malformed(line, "not an object");
}

function recordOn(value: JsonObject, line: number): TraceRecord {
  const { atUs, actor, kind, data } = value;
  if (typeof atUs !== "number" || typeof actor !== "string" || typeof kind !== "string")
    throw malformed(line, "a record has atUs, actor and kind");
  return { atUs, actor, kind, ...(data === undefined ? {} : { data }) };
}

/** @throws CodedError `malformed` (422) {line, why}. */
export function readTrace(text: string): RecordedTrace {
  const lines = text.split("\n").filter((line) => line !== "");
  const head = objectOn(lines[0] ?? "", 1);
  if (head.format !== TRACE_FORMAT) throw malformed(1, `the format is not ${TRACE_FORMAT}`);
  const hash = new TraceHash(String(head.seed));
  const records: TraceRecord[] = [];
  let said: Json | undefined;
  for (const [index, line] of lines.slice(1).entries()) {
    const value = objectOn(line, index + 2);
    if (value.end !== undefined && isJsonObject(value.end)) {
      said = value.end.traceHash ?? null;
      break;
    }
    const record = recordOn(value, index + 2);
    hash.add(record);
    records.push(record);
  }
  return {
    scenario: String(head.scenario),
    file: String(head.file),
    seed: String(head.seed),
    records,
    traceHash: hash.hash,
    isWhole: said === undefined ? null : said === hash.hash,
  };
}

export interface TraceFilter {
  /** From this true time on. */
  readonly fromUs: number | null;
  /** Not after this true time. */
  readonly toUs: number | null;
  readonly actors: readonly string[];
  /** A kind, or its beginning with `*`. */
  readonly kinds: readonly string[];
}

const kindMatches = (pattern: string, kind: string): boolean =>
  pattern.endsWith("*") ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern;

/** Records by their number in the trace. */
export function chosenRecords(
  records: readonly TraceRecord[],
  { fromUs, toUs, actors, kinds }: TraceFilter,
): readonly { readonly number: number; readonly record: TraceRecord }[] {
  return records.flatMap((record, number) => {
    const { atUs, actor, kind } = record;
    const isChosen =
      (fromUs === null || atUs >= fromUs) &&
      (toUs === null || atUs <= toUs) &&
      (actors.length === 0 || actors.includes(actor)) &&
      (kinds.length === 0 || kinds.some((pattern) => kindMatches(pattern, kind)));
    return isChosen ? [{ number, record }] : [];
  });
}
