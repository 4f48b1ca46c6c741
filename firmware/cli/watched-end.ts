/** How a run that was watched ended, with the line of its error where that is known. */
import type { SourceLines } from "../authoring/source-map.ts";
import type { JsonObject } from "../core/json.ts";
import type { MachineResult } from "../vm/index.ts";
import { placeText } from "./diagnostics.ts";
import type { Session } from "./session.ts";
import { safe } from "./text.ts";

export function endJson(result: MachineResult, lines: SourceLines): JsonObject {
  const { ended, status, outcome, error, metrics } = result;
  const at = error?.at ?? null;
  const source = at === null ? null : lines.positionOf(at.unit, at.index);
  return {
    ended,
    status,
    body: outcome.body,
    error: error === null ? null : { ...error, at: at && { ...at }, source: source && { ...source } },
    cpuSteps: metrics.cpuSteps,
    memBytes: metrics.memBytes,
    ioCalls: metrics.ioCalls,
  };
}

/** The same as a note for people. */
export function noteEnd(
  session: Session,
  { ended, status, error, metrics }: MachineResult,
  lines: SourceLines,
): void {
  const figures = `${metrics.cpuSteps} steps, ${metrics.memBytes} bytes, ${metrics.ioCalls} calls`;
  if (error === null) {
    session.note(`${ended} ${status}: ${figures}`);
    return;
  }
  const { code, reason, at } = error;
  const source = at === null ? null : lines.positionOf(at.unit, at.index);
  const fn = at?.fn ? ` in ${at.fn}` : "";
  const place =
    at === null ? "" : ` at ${source === null ? `${at.unit}:${at.index}` : placeText(source)}${fn}`;
  session.note(safe(`${ended} ${status}: ${code}: ${reason}${place}; ${figures}`));
}
