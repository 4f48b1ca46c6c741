/** Official statements: signed facts of a named source, such as a tariff or a permit (evidence.md 11). */
import type { DsseEnvelope } from "../core/dsse.ts";
import { sha256Hex } from "../core/hash.ts";
import { type JsonObject, member } from "../core/json.ts";
import { type Check, failed } from "./check.ts";
import { MAX_SKEW_MS } from "./freshness.ts";
import { PROFILES } from "./kinds.ts";
import type { RecordInput } from "./run-evidence.ts";
import { openStatement, type StatementKey, verifySigners } from "./statement.ts";

export const OFFICIAL_TYPE = "application/vnd.imu.official+json";
const MAX_TRUST = 0.995;

/** Keys and threshold of an `official://<sourceId>` rule. */
export interface OfficialSource {
  readonly threshold: number;
  readonly keys: readonly StatementKey[];
}

export interface OfficialContext {
  readonly source: (sourceId: string) => OfficialSource | undefined;
  readonly deviceId: string;
  readonly fleet: string;
  /** ms since the epoch. */
  readonly nowMs: number;
  readonly skewMs?: number;
  /** Was this nonce of this source accepted before? Kept until its statement expires plus skew. */
  readonly seen: (sourceId: string, nonce: string) => boolean;
}

export interface OfficialStatement {
  readonly sourceId: string;
  readonly nonce: string;
  readonly expiresAt: number;
  /** H(JCS(payload)): the same statement counts once. */
  readonly refSha256: string;
  /** ms; what is left of the lifetime, which never restarts. */
  readonly ttlMs: number;
  readonly data: JsonObject[string];
}

function checkContents(
  payload: JsonObject,
  sourceId: string,
  context: OfficialContext,
): Check<{ readonly nonce: string; readonly expiresAt: number }> {
  const { audience, issuedAt, expiresAt, nonce, v } = payload;
  const timed = Number.isSafeInteger(issuedAt) && Number.isSafeInteger(expiresAt);
  if (v !== 1 || typeof issuedAt !== "number" || typeof expiresAt !== "number" || !timed) {
    return failed("malformed");
  }
  if (typeof nonce !== "string" || nonce === "") return failed("malformed");
  const { deviceId, fleet, nowMs } = context;
  if (audience !== "*" && audience !== deviceId && audience !== fleet) return failed("wrong_audience");
  if (issuedAt > nowMs + (context.skewMs ?? MAX_SKEW_MS)) return failed("not_yet_valid");
  if (nowMs > expiresAt) return failed("statement_expired");
  return context.seen(sourceId, nonce) ? failed("replayed") : { ok: true, nonce, expiresAt };
}

/** The checks of evidence.md 11 in their order. */
export function verifyOfficial(envelope: DsseEnvelope, context: OfficialContext): Check<OfficialStatement> {
  const opened = openStatement(envelope, OFFICIAL_TYPE);
  if (!opened.ok) return opened;
  const sourceId = member(opened.payload, "sourceId");
  const source = typeof sourceId === "string" ? context.source(sourceId) : undefined;
  if (typeof sourceId !== "string" || !source) return failed("unknown_official_source");
  const { threshold, keys } = source;
  const signed = verifySigners(envelope, opened.bytes, keys, { threshold, nowMs: context.nowMs });
  if (!signed.ok) return signed;
  if (!opened.canonical) return failed("payload_not_canonical");
  const contents = checkContents(opened.payload, sourceId, context);
  if (!contents.ok) return contents;
  const { nonce, expiresAt } = contents;
  return {
    ok: true,
    sourceId,
    nonce,
    expiresAt,
    refSha256: sha256Hex(opened.bytes),
    ttlMs: Math.min(PROFILES.identity.maxTtlMs, expiresAt - context.nowMs),
    data: member(opened.payload, "data") ?? null,
  };
}

/** The record of an accepted statement. */
export const officialRecord = (statement: OfficialStatement): RecordInput => ({
  kind: "official_verified",
  source: `official://${statement.sourceId}`,
  payload: { refSha256: statement.refSha256, sourceId: statement.sourceId, result: "verified" },
  ttlMs: statement.ttlMs,
  declaredTrust: MAX_TRUST,
});
