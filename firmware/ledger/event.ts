/** Checking and canonicalising events before they are recorded (ledger.md 1). */
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, messageOf } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { LEDGER_KINDS } from "./kinds.ts";
import type { LedgerEvent } from "./types.ts";

/** Bytes of the canonical form of `data`; larger values go to the content store as {blob, size}. */
export const MAX_DATA_BYTES = LEDGER_LIMITS.dataBytes;
export const MAX_REFS = LEDGER_LIMITS.refs;

const MEMBERS = new Set(["kind", "actor", "severity", "data", "runId", "traceId", "refs", "sim"]);
const SEVERITIES = new Set(["debug", "info", "warn", "error", "critical"]);
const ACTOR = /^(?:daemon|(?:program|operator|peer):[^\s\p{Cc}]{1,256})$/u;
const DIGEST = /^[0-9a-f]{64}$/;

function bad(why: string, cause?: unknown): never {
  throw new CodedError("ledger_bad_event", `The event cannot be recorded: ${why}.`, {
    details: { why },
    cause,
  });
}

function optionalText(value: unknown, name: string): string {
  if (value === undefined) return "";
  if (typeof value !== "string" || value.length === 0 || value.length > LEDGER_LIMITS.nameCharacters)
    bad(`${name} is not an id`);
  return `,"${name}":${canonicalize(value)}`;
}

function refsText(refs: unknown): string {
  if (refs === undefined) return "";
  if (!Array.isArray(refs) || refs.length > MAX_REFS) bad(`refs must be at most ${MAX_REFS} digests`);
  for (const ref of refs) if (typeof ref !== "string" || !DIGEST.test(ref)) bad("a ref is not a digest");
  return `,"refs":${canonicalize(refs)}`;
}

function dataText(data: unknown): string {
  if (!isJsonObject(data)) bad("data is not an object");
  const text = canonicalize(data);
  const mayBeTooLarge = text.length * 3 > MAX_DATA_BYTES;
  if (mayBeTooLarge && Buffer.byteLength(text, "utf8") > MAX_DATA_BYTES) {
    bad(`data is larger than ${MAX_DATA_BYTES} bytes`);
  }
  return text;
}

function compose(event: LedgerEvent, simulated: boolean): string {
  for (const member of Object.keys(event)) if (!MEMBERS.has(member)) bad("unknown member");
  if (!LEDGER_KINDS.has(event.kind)) bad("unknown kind");
  if (typeof event.actor !== "string" || !ACTOR.test(event.actor)) bad("unknown form of actor");
  if (!SEVERITIES.has(event.severity)) bad("unknown severity");
  if (event.sim !== undefined && (event.sim !== true || !simulated)) bad("sim is set by the ledger alone");
  const sim = simulated ? ',"sim":true' : "";
  const runId = optionalText(event.runId, "runId");
  const traceId = optionalText(event.traceId, "traceId");
  return (
    `{"actor":${canonicalize(event.actor)},"data":${dataText(event.data)},"kind":"${event.kind}"` +
    `${refsText(event.refs)}${runId},"severity":"${event.severity}"${sim}${traceId}}`
  );
}

/**
 * Checks an event and gives its RFC 8785 text, built once: the data is canonicalised a single time for the size
 * limit, the chain and the tree.
 * @param simulated adds `sim: true`, the mark of everything recorded under the simulator.
 * @throws CodedError `ledger_bad_event` (500).
 */
export function eventText(event: LedgerEvent, simulated: boolean): string {
  try {
    if (!isJsonObject(event)) bad("it is not an object");
    return compose(event, simulated);
  } catch (error) {
    if (error instanceof CodedError && error.code === "ledger_bad_event") throw error;
    return bad(messageOf(error), error);
  }
}
