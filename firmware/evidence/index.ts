/** The public face of evidence: records, sources, requirements, claims and the guard (evidence.md). */

export {
  type BindingWitness,
  type ChannelDescription,
  checkBindings,
  checkChannels,
  gateSet,
  type SetWitness,
} from "./activation.ts";
export { type AssessedRecord, assess, type GuardRecord, type RecordFault } from "./assess.ts";
export { readBase, removeBases } from "./bases.ts";
export {
  type BundleContext,
  type BundleKey,
  buildProofBundle,
  PROOF_BUNDLE_TYPE,
  type ProofBundle,
  proofHash,
  verifyBundle,
} from "./bundle.ts";
export type { Check, Details, Failed } from "./check.ts";
export { checkSchema, UNITS } from "./claim-schema.ts";
export { claimId, readClaims } from "./claim-shape.ts";
export { nameEvidence, resolveClaimSources } from "./claim-sources.ts";
export { type ClaimCheckInput, type ClaimResult, checkClaims } from "./claims.ts";
export { type Collected, type CollectionOptions, collectGarbage } from "./collection.ts";
export {
  CAS,
  ContentStore,
  type ContentStoreOptions,
  type Link,
  MAX_BLOB_BYTES,
  type StagedBlob,
  stageBlob,
} from "./content-store.ts";
export { ContentWatch } from "./content-watch.ts";
export {
  decodeEvidence,
  encodeEvidence,
  evidenceId,
  isEvidenceBody,
  readEvidence,
  type Sealer,
  type SealKey,
  type SealKeys,
  sealEvidence,
  sealMac,
  sealsOf,
} from "./envelope.ts";
export { computeClaim, fallbackText, type VmTrace } from "./fallback.ts";
export { clampTtl, type Instant, isFresh, isFuture, MAX_SKEW_MS, rawAge } from "./freshness.ts";
export { checkGroup, defaultGroupPolicy, type GroupMember } from "./groups.ts";
export { type GuardInput, guard } from "./guard.ts";
export { type GuardRecordContext, guardRecordOf } from "./guard-record.ts";
export {
  firstInboundFailure,
  INBOUND_LIMITS,
  INBOUND_ORDER,
  type InboundChecks,
  type InboundReason,
} from "./inbound.ts";
export { resolvePointer } from "./json-pointer.ts";
export {
  BUILT_IN_KINDS,
  CUSTOM_KIND,
  type CustomKind,
  type FreshnessProfile,
  type KindRule,
  KindTable,
  PROFILES,
  type ProfileName,
} from "./kinds.ts";
export { provenanceLevel, SIGNATURE_FRESH_MS } from "./level.ts";
export {
  ARTIFACT_MANIFEST_TYPE,
  type ArtifactManifest,
  type ManifestContext,
  verifyManifest,
} from "./manifest.ts";
export {
  OFFICIAL_TYPE,
  type OfficialContext,
  type OfficialSource,
  type OfficialStatement,
  officialRecord,
  verifyOfficial,
} from "./official.ts";
export { decodeSeenNonce, OFFICIALS, OfficialBook } from "./official-book.ts";
export { countIn, decodePackRow, PACK_BASES, PACKS, type PackRow } from "./pack-row.ts";
export { compilePattern, type Pattern } from "./pattern.ts";
export { countPoints, type PointRule, type PointWitness } from "./points.ts";
export { predicateHolds, sameValue } from "./predicate.ts";
export { checkRelations } from "./relations.ts";
export {
  afterEvent,
  decodeReputation,
  REPUTATIONS,
  type Reputation,
  ReputationBook,
  reputationFactor,
} from "./reputation.ts";
export { defaultRequirement, type RequirementLayer, riskLayer, tighten } from "./requirement.ts";
export { decideRisk, RISK_LEVELS, RISK_RULES, type RiskDecision, type RiskRule } from "./risk.ts";
export {
  type GuardRequest,
  MAX_INLINE_BYTES,
  type RecordInput,
  RunEvidence,
  type RunEvidenceOptions,
} from "./run-evidence.ts";
export { type OfficialParts, officialIn, RunOfficials } from "./run-officials.ts";
export { packedValue, unpackedValue } from "./run-pack.ts";
export { RunPacker, type StagedPack } from "./run-packer.ts";
export { type LearnedReputation, RunReputation, type SourceStanding } from "./run-reputation.ts";
export { checkDrift, checkSamples, type Sample, type SamplingSpec } from "./sampling.ts";
export { checkGrounded, claimScore, type GroundedWitness, type SinkOptions } from "./sink.ts";
export { originOf, parseSource, requireSource, type SourceUri, sourceMatches } from "./source.ts";
export {
  readSourceList,
  SOURCES_SCHEMA,
  type SourceList,
  sourceListJson,
  sourceListProblem,
} from "./source-list.ts";
export {
  FACTORY_SOURCE_RULES,
  type SourceInfo,
  SourceRegistry,
  type SourceRegistryOptions,
  UNKNOWN_TRUST,
} from "./source-registry.ts";
export { openStatement, type StatementKey, verifySigners } from "./statement.ts";
export {
  EVIDENCE,
  findEvidence,
  RUN_INDEX,
  readRunEvidence,
  runOfKey,
  stageEvidence,
} from "./stored-evidence.ts";
export { exportRunEvidence, importRunEvidence, type RunEvidenceDocument } from "./transfer.ts";
export {
  aggregateTrust,
  baseTrust,
  MINIMUM_WORDS,
  meetsTrust,
  sessionTrust,
  TRUST_WORDS,
  type TrustWord,
  trustNow,
} from "./trust.ts";
export type * from "./types.ts";
export {
  compareHeld,
  type PresentedEvidence,
  type StoredRecord,
  type VerifyResult,
  verifyEvidence,
  verifyIntegrity,
} from "./verify.ts";
