/** Official statements that one run meets in the results of its calls (evidence.md 11; capabilities.md 4, step 17). */
import { type DsseEnvelope, MAX_PAYLOAD_BYTES, payloadBytes, readEnvelope } from "../core/dsse.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { KeyRecord } from "../core/key-record.ts";
import { JSON_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoreOp } from "../ports/store.ts";
import type { Failed } from "./check.ts";
import { MAX_SKEW_MS } from "./freshness.ts";
import { OFFICIAL_TYPE, type OfficialSource, officialRecord, verifyOfficial } from "./official.ts";
import type { OfficialBook } from "./official-book.ts";
import type { RunEvidence } from "./run-evidence.ts";
import type { SourceStanding } from "./run-reputation.ts";
import type { SourceRegistry } from "./source-registry.ts";

/** What the daemon holds for the statements of all runs. */
export interface OfficialParts {
  readonly fleet: string;
  /** The keys of authority.json; rules of sources name them by id. */
  readonly keys: () => ReadonlyMap<string, KeyRecord>;
  readonly book: OfficialBook;
}

export interface RunOfficialsOptions extends OfficialParts {
  readonly deviceId: string;
  readonly clock: Clock;
  readonly sources: SourceRegistry;
  readonly evidence: Pick<RunEvidence, "record">;
  readonly reputation: SourceStanding | null;
  /** A run that is only tried uses up no nonce. */
  readonly dry: boolean;
}

/** A statement in a result: the result itself, or its member `value` or `payload`; null without one. */
export function officialIn(result: Json): DsseEnvelope | null {
  const members = isJsonObject(result) ? [result.value ?? null, result.payload ?? null] : [];
  for (const candidate of [result, ...members]) {
    const isOne = isJsonObject(candidate) && candidate.payloadType === OFFICIAL_TYPE;
    const envelope = isOne ? readEnvelope(candidate) : null;
    if (envelope) return envelope;
  }
  return null;
}

export interface OfficialEvent {
  readonly kind: "official_verified" | "official_rejected";
  readonly data: JsonObject;
}

export class RunOfficials {
  readonly #options: RunOfficialsOptions;
  /** Evidence by statement, and failures that were recorded. */
  readonly #verified = new Map<string, string>();
  readonly #failed = new Set<string>();
  readonly #ops: StoreOp[] = [];
  readonly #events: OfficialEvent[] = [];
  readonly #noted: (readonly [sourceId: string, nonce: string])[] = [];

  constructor(options: RunOfficialsOptions) {
    this.#options = options;
  }

  /** What the ledger is told: statements that are new here, and those that were refused. */
  get events(): readonly OfficialEvent[] {
    return this.#events;
  }

  /** For the settlement's batch. */
  get ops(): readonly StoreOp[] {
    return this.#ops;
  }

  /** The settlement was not written: its nonces are as new as before. */
  failed(): void {
    for (const [sourceId, nonce] of this.#noted) this.#options.book.forget(sourceId, nonce);
  }

  /**
   * Verifies what a call has brought, and records it as `official_verified`, once a statement; what fails is recorded
   * as such, once a reason, and is a violation of its source. @returns null, or the refusal (412) with its reason.
   */
  accept(envelope: DsseEnvelope): Refusal | null {
    const { clock, deviceId, fleet, book, evidence, dry } = this.#options;
    const bytes = payloadBytes(envelope, MAX_PAYLOAD_BYTES) ?? new Uint8Array();
    const ref = sha256Hex(bytes);
    if (this.#verified.has(ref)) return null;
    // Whether a statement has expired cannot be said by a clock that may be wrong.
    if (clock.trust() !== "trusted") return refusal("clock_untrusted", 503);
    const nowMs = clock.wallMs();
    const verdict = verifyOfficial(envelope, {
      source: (sourceId) => this.#sourceOf(sourceId),
      deviceId,
      fleet,
      nowMs,
      seen: (sourceId, nonce) => book.isUsed(sourceId, nonce, ref),
    });
    if (!verdict.ok) return this.#refuse(bytes, ref, verdict);
    const { sourceId, nonce, expiresAt } = verdict;
    this.#verified.set(ref, evidence.record(officialRecord(verdict)).id);
    if (dry) return null;
    if (!book.isKnown(sourceId, nonce)) {
      this.#tell("official_verified", { refSha256: ref, sourceId, expiresAt });
      this.#noted.push([sourceId, nonce]);
    }
    this.#ops.push(...book.note(sourceId, nonce, ref, expiresAt + MAX_SKEW_MS, nowMs));
    return null;
  }

  #tell(kind: OfficialEvent["kind"], data: JsonObject): void {
    this.#events.push({ kind, data });
  }

  /** The rule must name keys: without them nobody can speak for the source. */
  #sourceOf(sourceId: string): OfficialSource | undefined {
    const rule = this.#options.sources.ruleFor(`official://${sourceId}`);
    if (!rule?.keys) return undefined;
    const known = this.#options.keys();
    const keys = rule.keys.flatMap((id) => known.get(id) ?? []);
    return { threshold: rule.threshold ?? 1, keys };
  }

  #refuse(bytes: Uint8Array, ref: string, { reason, details }: Failed): Refusal {
    const key = `${ref} ${reason}`;
    if (!this.#failed.has(key)) {
      this.#failed.add(key);
      const payload = { refSha256: ref, reason };
      this.#tell("official_rejected", payload);
      const { evidence, sources, reputation } = this.#options;
      evidence.record({ kind: "official_verification_failed", source: "local://official", payload });
      const source = `official://${sourceIdOf(bytes)}`;
      const rule = sources.ruleFor(source);
      if (rule?.keys) reputation?.violation(rule.id, source);
    }
    return refusal(reason, 412, { refSha256: ref, ...details });
  }
}

/** As the statement says, which nobody has proven; empty if it cannot be read. */
function sourceIdOf(bytes: Uint8Array): string {
  try {
    const value = parseJson(bytes, { maxBytes: MAX_PAYLOAD_BYTES, maxDepth: JSON_LIMITS.storedDepth });
    return isJsonObject(value) && typeof value.sourceId === "string" ? value.sourceId : "";
  } catch (error) {
    if (error instanceof CodedError) return "";
    throw error;
  }
}
