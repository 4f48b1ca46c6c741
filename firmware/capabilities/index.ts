/** The public face of the capabilities: the one wrapper, its contracts, outputs, asks, jobs and schedules. */

export {
  ASK_SUB,
  type Ask,
  type AskChange,
  type AskQuestion,
  Asks,
  decodeAsk,
  type WaitingTrigger,
} from "./asks/asks.ts";
export {
  type AskEvent,
  type AskState,
  type AskTransition,
  nextAskState,
  RESUME_MAX_AGE_MS,
  type ResumeVerdict,
  resumeVerdict,
} from "./asks/state.ts";
export { clockCapabilities } from "./builtins/clock.ts";
export { type GpioParts, gpioCapabilities } from "./builtins/gpio.ts";
export { i2cCapabilities } from "./builtins/i2c.ts";
export { kvCapabilities } from "./builtins/kv.ts";
export { KvSpaces, kvOps } from "./builtins/kv-store.ts";
export { mqttCapabilities } from "./builtins/mqtt.ts";
export { queueCapabilities } from "./builtins/queue.ts";
export { sensorCapabilities } from "./builtins/sensor.ts";
export { serialCapabilities } from "./builtins/serial.ts";
export { sharedCapabilities } from "./builtins/shared.ts";
export { spiCapabilities } from "./builtins/spi.ts";
export type { CallFailure, CallResult, CallSuccess } from "./call-result.ts";
export type { Capability, DriverOutcome, Invocation, StepFailure, Target } from "./capability.ts";
export {
  type CallCounters,
  createRunContext,
  type RunContext,
  type RunContextInit,
  type RunMode,
} from "./context.ts";
export { type LintFinding, lintContract } from "./contract/lint.ts";
export type {
  CapabilityClass,
  CapabilityContract,
  ObjectSchema,
  Schema,
  Violation,
} from "./contract/types.ts";
export { checkArguments, violationsOf } from "./contract/validate.ts";
export { type CoreParts, coreCapabilities, settlementOps } from "./core-capabilities.ts";
export { derivedCapability, type StepCaller } from "./derived/capability.ts";
export { compileDerived, compileTemplates, lookupIn } from "./derived/compile.ts";
export { type Rendered, renderCalls, renderReturns, renderStep, type StepResults } from "./derived/render.ts";
export type {
  CompiledDerived,
  CompiledTemplates,
  DerivedExample,
  DerivedManifest,
  DerivedStep,
  DerivedTemplates,
  StepFacts,
  StepLookup,
  Template,
} from "./derived/types.ts";
export { type PathVerdict, workspacePath } from "./fs-path.ts";
export { guardRequest } from "./gate/acts.ts";
export { Admission, type AdmissionCall, type AdmissionCaps, type AdmissionLimits } from "./gate/admission.ts";
export { AdmissionGate } from "./gate/admission-gate.ts";
export {
  type CallOptions,
  DEFAULT_GATE_SETTINGS,
  type GateParts,
  type GateSettings,
} from "./gate/call-state.ts";
export { ExclusivePaths } from "./gate/exclusive.ts";
export { CapabilityGate } from "./gate/gate.ts";
export { type BlockedVerdict, blockedCallVerdict } from "./gate/incidents.ts";
export { isPermitted, type PermissionRecord, type PermissionSource } from "./gate/permissions.ts";
export type { Finding, Plan } from "./gate/plan.ts";
export { planHashOf } from "./gate/plan-hash.ts";
export { applicableRates, RateLimiter, type ScopedRate } from "./gate/rates.ts";
export { STEPS, type Step, type StepName } from "./gate/steps.ts";
export { actionText, argsSummary } from "./gate/text.ts";
export { backoff, DRIVER_BACKOFF, JOB_BACKOFF } from "./jobs/backoff.ts";
export {
  type Committed,
  JOB_SUB,
  type JobHandle,
  JobService,
  type JobServiceParts,
} from "./jobs/job-service.ts";
export { type Changed, DEFAULT_LEASE_MS, JobQueue, jobKey, type QueueOptions } from "./jobs/queue.ts";
export type { Compensation, Job, JobState, WalCounts, WalKind, WalRecord } from "./jobs/types.ts";
export { type IntentLeft, OpenIntents } from "./open-intents.ts";
export { Outputs, type OutputsParts, type WriteResult } from "./outputs/outputs.ts";
export { deviceUri, type HardwareUri, parseUri, resourceOf } from "./outputs/uris.ts";
export type * from "./ports.ts";
export { publishTopic, type TopicOwner } from "./publish-topic.ts";
export { ALIASES, CapabilityRegistry, canonicalId } from "./registry.ts";
export { firstFiring, type ScheduleRequest, type ScheduleState, tickSchedule } from "./schedules/rules.ts";
export {
  type Due,
  decodeSchedule,
  SCHEDULE_SUB,
  type Schedule,
  type ScheduleChange,
  Scheduler,
} from "./schedules/scheduler.ts";
