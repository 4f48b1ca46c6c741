/** The evidence of one run: recorded, sealed, judged and settled here and nowhere else (evidence.md 1, 8). */
import { utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { frozenCopy } from "../core/frozen-copy.ts";
import { hashJson, sha256Hex } from "../core/hash.ts";
import type { Json } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoreOp } from "../ports/store.ts";
import { type AssessContext, assess, type GuardRecord, guardErrorDetails } from "./assess.ts";
import { failed } from "./check.ts";
import { nameEvidence, valueEvidence } from "./claim-sources.ts";
import { stageBlob } from "./content-store.ts";
import { MAX_PARENTS, type Sealer, type SealKeys, sealsOf, sealWritten } from "./envelope.ts";
import { clampTtl, type Instant, isFuture, rawAge } from "./freshness.ts";
import { guard, verdictReason } from "./guard.ts";
import { guardRecordOf } from "./guard-record.ts";
import { BUILT_IN_KINDS, type KindTable } from "./kinds.ts";
import { RunPacker, type StagedPack } from "./run-packer.ts";
import type { SourceStanding } from "./run-reputation.ts";
import type { GroundedWitness } from "./sink.ts";
import type { SourceRegistry } from "./source-registry.ts";
import { baseTrust, clamp01, sessionTrust } from "./trust.ts";
import type { Evidence, EvidenceBody, GuardVerdict, Requirement, RiskLevel } from "./types.ts";

/** `evidence.maxInlineBytes`. */
export const MAX_INLINE_BYTES = EVIDENCE_LIMITS.inlineBytes;

export interface RunEvidenceOptions {
  readonly runId: string;
  readonly subject: string;
  readonly deviceId: string;
  readonly policyHash: string;
  readonly clock: Clock;
  readonly sources: SourceRegistry;
  readonly sealer: Sealer;
  /** `evidence.maxPerRun`: 3 · ioCalls + 64 of the tier (evidence.md 16). */
  readonly maxPerRun: number;
  readonly kinds?: KindTable;
  readonly reputation?: SourceStanding;
  readonly maxInlineBytes?: number;
  readonly maxBlobBytes?: number;
  readonly maxSkewMs?: number;
  /** Largest age of a seal for level 3, in ms. */
  readonly signatureFreshMs?: number;
  /** Units that policy declares beside the built-in table. */
  readonly units?: readonly string[];
  /** Alert `sensor_outlier`: a claim that a vote overruled, with the source of its value. */
  readonly onOutlier?: (source: string, claim: string) => void;
}

export interface RecordInput {
  readonly kind: string;
  readonly source: string;
  /** Inline if its canonical form is small enough, else stored as a blob. Default null. */
  readonly payload?: Json;
  /** Raw bytes instead of a payload. */
  readonly blob?: Uint8Array;
  readonly ttlMs?: number;
  /** 0..1; can only lower the source's trust. */
  readonly declaredTrust?: number;
  readonly parents?: readonly string[];
}

export interface GuardRequest {
  readonly effect: string;
  readonly requirement: Requirement | null | undefined;
  /** H(JCS(requirement)), where the asker knows it already. */
  readonly requirementHash?: string;
  readonly claims?: readonly unknown[];
  /** Supplies decay and age of the level; already part of the requirement as a layer. */
  readonly risk?: RiskLevel;
}

interface Tally {
  count: number;
  chargedMilli: number;
  tookMs: number;
}

const REFUSAL_STATUS: Readonly<Record<string, number>> = { evidence_overflow: 429 };

function refused(code: string, message: string, details: Readonly<Record<string, Json>>): CodedError {
  return new CodedError(code, message, { status: REFUSAL_STATUS[code] ?? 422, details });
}

/** Owned by the run's context. Nothing in it can be altered after recording. */
export class RunEvidence {
  readonly #options: RunEvidenceOptions;
  readonly #kinds: KindTable;
  readonly #keys: SealKeys;
  readonly #list: Evidence[] = [];
  readonly #byId = new Map<string, Evidence>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #ops: StoreOp[] = [];
  readonly #tallies = new Map<string, Tally>();

  constructor(options: RunEvidenceOptions) {
    this.#options = options;
    this.#kinds = options.kinds ?? BUILT_IN_KINDS;
    this.#keys = sealsOf(options.sealer);
  }

  get runId(): string {
    return this.#options.runId;
  }

  /** A copy, in order of recording. */
  get list(): readonly Evidence[] {
    return [...this.#list];
  }

  /** How many more records fit; the wrapper asks before it calls a driver. */
  get room(): number {
    return Math.max(0, this.#options.maxPerRun - this.#list.length);
  }

  get(id: string): Evidence | undefined {
    return this.#byId.get(id);
  }

  /** Bytes of a payload that is not inline. */
  blob(sha256: string): Uint8Array | undefined {
    return this.#blobs.get(sha256);
  }

  /**
   * Records and seals. @throws CodedError `evidence_overflow` (429), `evidence_unknown_kind`,
   * `evidence_kind_not_allowed`, `bad_source`, `not_canonical`, `too_large`, `malformed` (422).
   */
  record(input: RecordInput): Evidence {
    if (this.room === 0) {
      const { maxPerRun } = this.#options;
      throw refused("evidence_overflow", `A run may leave ${maxPerRun} records.`, { max: maxPerRun });
    }
    return this.#append(input);
  }

  /** What a record proves to the reader of a message; bookkeeping proves nothing (evidence.md 14). */
  witness(id: string): GroundedWitness | undefined {
    const evidence = this.#byId.get(id);
    const kind = evidence && this.#kinds.get(evidence.body.kind);
    if (!evidence || !kind || kind.class === "bookkeeping") return undefined;
    const { origin, integrity, level } = this.#guardRecord(evidence, this.#now());
    return { origin, content: integrity(), level: level() };
  }

  /** Counts a successful call; folded to one record per capability by `settle`. Milli-Φ and ms. */
  tally(capability: string, chargedMilli: number, tookMs: number): void {
    const tally = this.#tallies.get(capability) ?? { count: 0, chargedMilli: 0, tookMs: 0 };
    tally.count += 1;
    tally.chargedMilli += chargedMilli;
    tally.tookMs += tookMs;
    this.#tallies.set(capability, tally);
  }

  /**
   * Writes the folded records of `tally`. Bounded by the number of capabilities, so the run's limit does not
   * apply.
   */
  settle(): void {
    for (const [capability, tally] of this.#tallies) {
      const source = "local://capabilities";
      this.#append({ kind: "capability_exec_done", source, payload: { capability, ...tally } });
      if (tally.chargedMilli > 0) {
        const payload = { capability, count: tally.count, chargedMilli: tally.chargedMilli };
        this.#append({ kind: "phi_charge", source: "local://phi", payload });
      }
    }
    this.#tallies.clear();
  }

  /**
   * Everything recorded so far for the settlement's one atomic batch, and what to call when it is durable.
   * @param packer remembers what runs have in common, over all runs of a daemon.
   */
  stage(packer: RunPacker): StagedPack {
    const { runId, sealer } = this.#options;
    const { ops, stored } = packer.stage(runId, this.#list, sealer);
    return { ops: [...this.#ops, ...ops], stored };
  }

  /** The same for a run alone. */
  ops(): readonly StoreOp[] {
    return this.stage(new RunPacker()).ops;
  }

  /**
   * Decides before an effect, over this run's list only, and records the decision, also when it passes.
   * Never throws: whatever goes wrong on the way is a refusal (`guard_error`, `evidence_overflow`).
   */
  guard(request: GuardRequest): GuardVerdict {
    try {
      return this.#decide(request);
    } catch (error) {
      return failed("guard_error", guardErrorDetails(error));
    }
  }

  /** Trust of what the run has seen, bookkeeping left out; feeds Φ, decides nothing. */
  sessionTrust(): number {
    const now = this.#now();
    const samples = this.#list.flatMap(({ body }) => {
      const kind = this.#kinds.get(body.kind);
      const age = rawAge(body, now);
      if (!kind || kind.class === "bookkeeping" || isFuture(age, this.#options.maxSkewMs)) return [];
      const ttlMs = Math.min(body.ttlMs, kind.profile.maxTtlMs);
      const sourceTrust = this.#options.sources.lookup(body.source).trust;
      return [{ sourceTrust, declared: body.trust, ageMs: age, ttlMs }];
    });
    return sessionTrust(samples);
  }

  /** The records as the guard sees them at this moment; for plans and proofs. */
  assessed(requirement: Requirement, risk?: RiskLevel): ReturnType<typeof assess>[] {
    const now = this.#now();
    const context: AssessContext = {
      requirement,
      kinds: this.#kinds,
      ...this.#limits(),
      ...(risk ? { risk } : {}),
    };
    return this.#list.map((evidence) => assess(this.#guardRecord(evidence, now), context));
  }

  #decide(request: GuardRequest): GuardVerdict {
    const now = this.#now();
    const { effect, requirement, risk } = request;
    const claims = nameEvidence(request.claims ?? [], this.#list);
    const { units } = this.#options;
    const verdict = guard({
      effect,
      requirement,
      records: this.#list.map((evidence) => this.#guardRecord(evidence, now)),
      kinds: this.#kinds,
      claims,
      ...(risk ? { risk } : {}),
      ...(units ? { units } : {}),
      ...this.#limits(),
    });
    const recorded = this.#recordDecision(request, verdict);
    if (recorded.ok) this.#learn(recorded, claims);
    return recorded;
  }

  #limits(): { readonly maxSkewMs?: number } {
    const { maxSkewMs } = this.#options;
    return maxSkewMs === undefined ? {} : { maxSkewMs };
  }

  #now(): Instant {
    const { clock } = this.#options;
    return { wallMs: clock.wallMs(), monoMs: Math.floor(clock.monoMs()), bootId: clock.bootId };
  }

  #append(input: RecordInput): Evidence {
    const { kind, info, declared, parents } = this.#check(input);
    const { deviceId, subject, runId, policyHash, sealer } = this.#options;
    const now = this.#now();
    const { sha256, text } = this.#content(input);
    const body: EvidenceBody = {
      v: 1,
      kind: input.kind,
      source: input.source,
      deviceId,
      subject,
      runId,
      seq: this.#list.length,
      ts: now.wallMs,
      bootId: now.bootId,
      monoMs: now.monoMs,
      ttlMs: Math.floor(clampTtl(input.ttlMs, kind.profile, info.maxTtlMs)),
      trust: clamp01(baseTrust(declared, info.trust)),
      sha256,
      ...(text === null ? {} : { payload: frozenCopy(input.payload ?? null) }),
      parents: [...parents],
      policyHash,
    };
    const evidence = sealWritten(body, text, sealer);
    this.#list.push(evidence);
    this.#byId.set(evidence.id, evidence);
    return evidence;
  }

  /** What is known of the kind and the source of a record that may be made. */
  #check(input: RecordInput) {
    const kind = this.#kinds.get(input.kind);
    if (!kind) {
      throw refused("evidence_unknown_kind", "The kind is neither built in nor declared by policy.", {
        kind: input.kind,
      });
    }
    const info = this.#options.sources.require(input.source);
    if (info.kinds && !info.kinds.includes(input.kind)) {
      throw refused("evidence_kind_not_allowed", "The source's rule does not allow this kind.", {
        kind: input.kind,
        source: input.source,
      });
    }
    const declared = input.declaredTrust ?? kind.declaredTrust;
    const parents = input.parents ?? [];
    if (!isAmount(declared ?? 0) || !isAmount(input.ttlMs ?? 0) || parents.length > MAX_PARENTS) {
      throw refused("malformed", "Trust and TTL are finite and not negative; at most 32 parents.", {
        kind: input.kind,
      });
    }
    return { kind, info, declared, parents };
  }

  /** A payload that is small stays inline, with its canonical text; everything else becomes a blob of the same batch. */
  #content(input: RecordInput): { readonly sha256: string; readonly text: string | null } {
    const text = input.blob ? null : canonicalize(input.payload ?? null);
    const limit = this.#options.maxInlineBytes ?? MAX_INLINE_BYTES;
    if (text !== null && isAtMost(text, limit)) return { sha256: sha256Hex(text), text };
    const bytes = text === null ? new Uint8Array(input.blob ?? []) : utf8(text);
    const { sha256, ops } = stageBlob(bytes, this.#options.maxBlobBytes);
    if (!this.#blobs.has(sha256)) {
      this.#blobs.set(sha256, bytes);
      this.#ops.push(...ops);
    }
    return { sha256, text: null };
  }

  #guardRecord(evidence: Evidence, now: Instant): GuardRecord {
    const { sources, runId, subject, deviceId, reputation, signatureFreshMs } = this.#options;
    return guardRecordOf(evidence, {
      runId,
      subject,
      deviceId,
      now,
      source: (source) => sources.lookup(source),
      seals: this.#keys,
      blob: (sha256) => this.#blobs.get(sha256),
      ...(signatureFreshMs === undefined ? {} : { signatureFreshMs }),
      ...(reputation ? { reputation: (id) => reputation.factor(id, now.wallMs) } : {}),
      ...this.#limits(),
    });
  }

  /** A decision that cannot be recorded is a refusal: nothing happens without a trace. */
  #recordDecision(request: GuardRequest, verdict: GuardVerdict): GuardVerdict {
    if (this.room === 0) return failed("evidence_overflow", { max: this.#options.maxPerRun });
    const { requirement } = request;
    this.#append({
      kind: "guard_decision",
      source: "local://guard",
      payload: {
        effect: request.effect,
        ok: verdict.ok,
        reason: verdictReason(verdict),
        valid: verdict.ok ? [...verdict.valid] : [],
        requirementHash: requirement ? (request.requirementHash ?? hashJson(requirement)) : null,
      },
    });
    return verdict;
  }

  /** After a pass: the resolution of votes is recorded, outliers lose reputation, accepted sources gain. */
  #learn(verdict: Extract<GuardVerdict, { ok: true }>, claims: readonly unknown[]): void {
    const { sources, reputation } = this.#options;
    const outliers = new Set<string>();
    for (const resolution of verdict.resolutions ?? []) {
      if (resolution.mode !== "vote") continue;
      const { group, value, members, outliers: out, weights } = resolution;
      for (const claim of out) {
        const source = this.#byId.get(valueEvidence(claims, claim) ?? "")?.body.source;
        if (source === undefined) continue;
        outliers.add(source);
        this.#options.onOutlier?.(source, claim);
      }
      if (this.room === 0) continue;
      const payload = { group, value, members: [...members], outliers: [...out], weights: { ...weights } };
      this.#append({ kind: "resolution_proof", source: "local://guard", payload });
    }
    if (!reputation) return;
    for (const source of outliers) reputation.violation(sources.lookup(source).id, source);
    for (const id of verdict.valid) {
      const source = this.#byId.get(id)?.body.source;
      if (source === undefined || outliers.has(source)) continue;
      reputation.success(sources.lookup(source).id, source);
    }
  }
}

const isAmount = (x: number): boolean => Number.isFinite(x) && x >= 0;

/** Whether a text has at most so many bytes as UTF-8; a unit of it is never more than three. */
const isAtMost = (text: string, bytes: number): boolean =>
  text.length * 3 <= bytes || Buffer.byteLength(text, "utf8") <= bytes;
