/** One stored envelope as the guard sees it at one moment (evidence.md 6, 8). */
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { JSON_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import type { GuardRecord } from "./assess.ts";
import type { SealKeys } from "./envelope.ts";
import { type Instant, isFuture, rawAge } from "./freshness.ts";
import { provenanceLevel } from "./level.ts";
import { originOf } from "./source.ts";
import type { SourceInfo } from "./source-registry.ts";
import type { Evidence, EvidenceBody } from "./types.ts";
import { verifyIntegrity } from "./verify.ts";

/** The run that asks, and what it knows. */
export interface GuardRecordContext {
  readonly runId: string;
  readonly subject: string;
  readonly deviceId: string;
  readonly now: Instant;
  readonly source: (source: string) => SourceInfo;
  /**
   * `opaque` re-hashes everything but takes the seals as they are: only for replaying a run of another
   * device, where no effect follows from the verdict.
   */
  readonly seals: SealKeys | "opaque";
  /** Payload bytes by digest, for records without inline payload. */
  readonly blob: (sha256: string) => Uint8Array | undefined;
  /** Reputation factor of a source id; 1 without reputation. */
  readonly reputation?: (sourceId: string) => number;
  readonly maxSkewMs?: number;
  readonly signatureFreshMs?: number;
}

function isSound(evidence: Evidence, { seals, blob }: GuardRecordContext): boolean {
  const result = verifyIntegrity(
    evidence,
    blob(evidence.body.sha256),
    seals === "opaque" ? () => undefined : seals,
  );
  // The key is looked up after all hashes were checked, so this answer means that every hash was right.
  return result.ok || (seals === "opaque" && result.reason === "unknown_key");
}

/** The inline payload, or a blob that holds JSON; a pointer into raw bytes finds nothing. */
function payloadOf(body: EvidenceBody, blob: GuardRecordContext["blob"]): Json | undefined {
  if (body.payload !== undefined) return body.payload;
  const bytes = blob(body.sha256);
  if (!bytes) return undefined;
  try {
    return parseJsonText(fromUtf8(bytes), { maxBytes: bytes.length, maxDepth: JSON_LIMITS.storedDepth });
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

/** Integrity and level are computed on demand, once per use: most records of a run are never asked. */
export function guardRecordOf(evidence: Evidence, context: GuardRecordContext): GuardRecord {
  const { body } = evidence;
  const info = context.source(body.source);
  const age = rawAge(body, context.now);
  const sound = once(() => isSound(evidence, context));
  return {
    id: evidence.id,
    kind: body.kind,
    source: body.source,
    origin: originOf(body.source),
    foreign:
      body.runId !== context.runId || body.subject !== context.subject || body.deviceId !== context.deviceId,
    integrity: sound,
    level: () =>
      provenanceLevel({
        registered: info.registered,
        signature: sound() ? "valid" : "bad",
        ageMs: age,
        future: isFuture(age, context.maxSkewMs),
        ...(context.signatureFreshMs === undefined ? {} : { signatureFreshMs: context.signatureFreshMs }),
      }),
    rawAgeMs: age,
    ts: body.ts,
    ttlMs: body.ttlMs,
    declaredTrust: body.trust,
    sourceTrust: info.trust,
    reputation: context.reputation?.(info.id) ?? 1,
    points: info.points,
    payload: () => payloadOf(body, context.blob),
  };
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}
