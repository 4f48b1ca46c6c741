/** One settled run with its evidence laid on true time. */
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { Evidence } from "../../../firmware/evidence/types.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import type { DeviceFacts } from "./facts.ts";
import type { OutputView } from "./policy-view.ts";
import { TICK_US } from "./timeline.ts";

export interface Decision {
  readonly row: Evidence;
  readonly atUs: number;
  readonly ok: boolean;
}

export interface RunView {
  readonly record: RunRecord;
  readonly rows: readonly Evidence[];
  /** Number of the life it ran in; 0 if nobody saw that life. */
  readonly boot: number;
  readonly fromUs: number;
  /** Its last record: by then everything it did was done. */
  readonly untilUs: number;
}

export async function viewRun(facts: DeviceFacts, record: RunRecord): Promise<RunView | null> {
  const rows = await facts.evidenceOf(record.runId);
  const own = rows.filter(({ body }) => body.runId === record.runId);
  const [first, last] = [own[0]?.body, own.at(-1)?.body];
  if (first === undefined || last === undefined) return null;
  const fromUs = facts.timeline.ofMono(first.bootId, first.monoMs);
  const lastUs = facts.timeline.ofMono(last.bootId, last.monoMs);
  if (fromUs === null || lastUs === null) return null;
  const boot = facts.timeline.lifeOfBoot(first.bootId)?.number ?? 0;
  return { record, rows, boot, fromUs, untilUs: lastUs + TICK_US };
}

export const payloadOf = ({ body }: Evidence): JsonObject =>
  isJsonObject(body.payload ?? null) ? (body.payload as JsonObject) : {};

/** What the guard recorded about one output, in order; the effect is named `<capability>:<output>`. */
export function decisionsOf(facts: DeviceFacts, view: RunView, output: string): readonly Decision[] {
  return view.rows.flatMap((row) => {
    if (row.body.kind !== "guard_decision") return [];
    const { effect, ok } = payloadOf(row);
    const atUs = facts.timeline.ofMono(row.body.bootId, row.body.monoMs);
    return String(effect).endsWith(`:${output}`) && atUs !== null ? [{ row, atUs, ok: ok === true }] : [];
  });
}

/** The output that an argument list names, by the policy the run had. */
export function outputOfArgs(facts: DeviceFacts, record: RunRecord, args: unknown): OutputView | null {
  const name = isJsonObject(args) ? args.output : undefined;
  return typeof name === "string" ? (facts.policies.get(record.policyHash)?.output(name) ?? null) : null;
}

/** Whether the document of a run lists an output; a document that is not stored lists none. */
export function ownsOutput(facts: DeviceFacts, record: RunRecord, output: string): boolean {
  const outputs = facts.documents.get(record.program.programHash)?.outputs;
  return Array.isArray(outputs) && outputs.includes(output);
}
