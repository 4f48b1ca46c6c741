/** The public face of the policy: compile a signed document, decide, explain, and the rules around it. */
export { type Channel, resolveChannel } from "./channel.ts";
export { type CompileResult, compilePolicy } from "./compile.ts";
export {
  type DecisionQuestion,
  type DecisionState,
  type DecisionSubject,
  type DecisionTable,
  decide,
  ruleHash,
  selectRule,
  statusOf,
} from "./decide.ts";
export { DecisionEngine, type Explanation } from "./decision-engine.ts";
export { defaultRoles, defaultTiers } from "./defaults.ts";
export { overrideDirections } from "./directions.ts";
export { type EvidenceRules, evidenceRules } from "./evidence-rules.ts";
export type { ActivePolicy, CompileFacts } from "./facts.ts";
export { isGlob, literalLength, matchesGlob } from "./glob.ts";
export { grantLifeMs, permit } from "./permission.ts";
export { type AuthorThresholds, adjustForProfile, type ProfileThresholds } from "./profile.ts";
export { type SubjectStatement, subjectStatement } from "./requirements.ts";
export { resolveRisk } from "./risk-domain.ts";
export {
  type PhiSection,
  phiOf,
  type RatesSection,
  type RetentionSection,
  ratesOf,
  retentionOf,
  rolesOf,
  type TierSection,
  tierSectionOf,
} from "./sections.ts";
export {
  type Direction,
  type DirectionTable,
  looserPointers,
  type TightenMode,
  type TightenResult,
  tightenValues,
} from "./tighten.ts";
export { scoreOf, thresholdOf } from "./trust.ts";
export type * from "./types.ts";
