/** Typed views of compiled sections for the parts that apply them; the compiler has checked every value. */
import type { CustomKind } from "../evidence/index.ts";
import type { Tier } from "../vm/types.ts";
import type { CompiledPolicy, Rate } from "./types.ts";

export interface RatesSection {
  readonly perCapability: Readonly<Record<string, Rate>>;
  /** By glob over target URIs. */
  readonly perTarget: Readonly<Record<string, Rate>>;
  /** By glob over topics. */
  readonly perTopic: Readonly<Record<string, Rate>>;
  readonly global: Rate;
  readonly concurrency: {
    readonly global: number;
    readonly perSubject: number;
    readonly perCapability: Readonly<Record<string, number>>;
  };
}

export interface PhiSection {
  /** What the author replaced; `weightsFor` of Φ adds the defaults. */
  readonly weights: Readonly<Record<string, number>>;
  readonly norms: Readonly<Record<string, number>>;
  readonly ceiling: number;
  readonly intents: readonly string[];
  readonly epsilon: number;
  readonly promoteMargin: number;
  /** mΦ. */
  readonly budget: {
    readonly capacityMilli: number;
    readonly refillPerHourMilli: number;
    readonly cost: Readonly<Record<string, number>>;
  };
}

export interface TierSection {
  readonly evidenceMaxAgeMs: number | null;
  readonly evidenceTtlMs: number;
  readonly externalEffects: boolean;
  readonly grantMaxMs: number;
}

export interface RetentionSection {
  readonly evidenceDays: number;
  /** Of evidence and of the content store. */
  readonly evidenceBytes: number;
  /** Of run records. */
  readonly logBytes: number;
  readonly outboxBytes: number;
}

/** The part of the evidence section that no requirement holds. */
export interface EvidenceKindsSection {
  /** Custom kinds by name. */
  readonly kinds: Readonly<Record<string, Omit<CustomKind, "kind">>>;
  readonly units: readonly string[];
  readonly signatureFreshMs: number;
  readonly unknownTrust: number;
}

interface Sections {
  readonly evidence: EvidenceKindsSection;
  readonly retention: RetentionSection;
  readonly rates: RatesSection;
  readonly phi: PhiSection;
  readonly roles: Readonly<Record<string, readonly string[]>>;
  readonly tiers: Readonly<Record<Tier, TierSection>>;
}

const sections = (policy: CompiledPolicy): Sections => policy.compiled as typeof policy.compiled & Sections;

/** Rates and concurrency (policy.md 4). */
export const ratesOf = (policy: CompiledPolicy): RatesSection => sections(policy).rates;

/** Φ: weights, ceiling and the spending budget (phi.md 13). */
export const phiOf = (policy: CompiledPolicy): PhiSection => sections(policy).phi;

/** Custom kinds and units, and what is said of the age of seals and of unknown sources (policy.md 4). */
export const evidenceSectionOf = (policy: CompiledPolicy): EvidenceKindsSection => sections(policy).evidence;

/** How much is kept of runs and of their evidence (policy.md 4). */
export const retentionOf = (policy: CompiledPolicy): RetentionSection => sections(policy).retention;

/** Permission globs by role, the built-in roles included unless the author redefined them. */
export const rolesOf = (policy: CompiledPolicy): Readonly<Record<string, readonly string[]>> =>
  sections(policy).roles;

/** The numbers of a tier (policy.md 7); limits per run come from the vm. */
export const tierSectionOf = (policy: CompiledPolicy, tier: Tier): TierSection =>
  sections(policy).tiers[tier];
