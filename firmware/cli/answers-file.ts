/**
 * Answers to the calls of a run that touches no device: a JSON list in the order of the calls. An item is
 * `{"result": …}` or `{"error": {code, reason, status, details}}`, with `capability`, `evidence` and `latencyMs` if
 * wanted; entries of a journal as `imuctl runs show` prints it can stand here as they are.
 */
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { AUTHORING_LIMITS, CONTROL_LIMITS } from "../core/limits.ts";
import type { CallAnswer } from "../vm/index.ts";
import { jsonFile } from "./json-input.ts";
import type { Session } from "./session.ts";

export interface GivenAnswer {
  /** Null fits every call. */
  readonly capability: string | null;
  readonly answer: CallAnswer;
  /** Virtual ms until it arrives; null if the file does not say. */
  readonly latencyMs: number | null;
}

const MEMBERS = new Set(["capability", "result", "error", "evidence", "latencyMs"]);
/** Of a journal entry; what it was asked is compared by name only. */
const JOURNAL = new Set(["t", "turn", "task", "args", "ok"]);

function invalid(index: number, why: string): never {
  throw new CodedError("answers_invalid", `Answer ${index} ${why}.`, {
    status: 422,
    details: { index, remedy: 'write [{"result": 21.5}, {"error": {"code": "io_error", "status": 503}}].' },
  });
}

function errorOf(index: number, value: Json): CallAnswer & { ok: false } {
  if (!isJsonObject(value)) return invalid(index, "has an error that is no object");
  const { code, reason = code, status = 500, details = {} } = value;
  if (typeof code !== "string" || typeof reason !== "string")
    return invalid(index, "has an error without a code");
  if (typeof status !== "number" || !Number.isInteger(status))
    return invalid(index, "has a status that is none");
  if (!isJsonObject(details)) return invalid(index, "has details that are no object");
  return { ok: false, error: { code, reason, status, details }, evidence: [] };
}

function evidenceOf(index: number, value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  const isIds = Array.isArray(value) && value.every((id): id is string => typeof id === "string");
  return isIds ? value : invalid(index, "has evidence that is no list of ids");
}

function answerOf(item: JsonObject, index: number): GivenAnswer {
  const isEntry = item.t === "call";
  const stranger = Object.keys(item).find((name) => !MEMBERS.has(name) && !(isEntry && JOURNAL.has(name)));
  if (stranger !== undefined) return invalid(index, `has an unknown member ${JSON.stringify(stranger)}`);
  const [result, error] = [member(item, "result"), member(item, "error")];
  if ((result === undefined) === (error === undefined)) return invalid(index, "needs a result or an error");
  const evidence = evidenceOf(index, member(item, "evidence"));
  const latencyMs = member(item, "latencyMs") ?? null;
  if (
    latencyMs !== null &&
    !(typeof latencyMs === "number" && Number.isFinite(latencyMs) && latencyMs >= 0)
  ) {
    return invalid(index, "has a latencyMs that is no time");
  }
  const capability = member(item, "capability") ?? null;
  if (capability !== null && typeof capability !== "string")
    return invalid(index, "has a capability that is no name");
  const answer: CallAnswer =
    error === undefined
      ? { ok: true, result: result ?? null, evidence }
      : { ...errorOf(index, error), evidence };
  return { capability, answer, latencyMs };
}

/** Entries of a journal that are no calls are left out. @throws CodedError `answers_invalid` (422). */
export function readAnswers(value: Json): readonly GivenAnswer[] {
  if (!Array.isArray(value)) {
    throw new CodedError("answers_invalid", "The answers are no JSON list.", {
      status: 422,
      details: { remedy: 'write [{"result": 21.5}], in the order of the calls.' },
    });
  }
  if (value.length > AUTHORING_LIMITS.answers) return invalid(AUTHORING_LIMITS.answers, "is one too many");
  return value.flatMap((item: Json, index) => {
    if (!isJsonObject(item)) return invalid(index, "is no object");
    const isOther = typeof item.t === "string" && item.t !== "call";
    return isOther ? [] : [answerOf(item, index)];
  });
}

/** @throws CodedError `answers_invalid`, `not_found`, `too_large`, `malformed`. */
export async function answersFile(session: Session, path: string): Promise<readonly GivenAnswer[]> {
  const limits = { maxBytes: CONTROL_LIMITS.requestBytes, maxDepth: CONTROL_LIMITS.answerDepth };
  return readAnswers(await jsonFile(session, path, limits));
}
