/** The public face of the machine: verify, run, replay. */

export type { CapabilitySignature, CapabilityView, SchemaCheck } from "./capability-view.ts";
export { compilerState } from "./compiler/compiled-code.ts";
export type { CrcParams } from "./crc.ts";
export {
  type FieldKind,
  fieldKind,
  INSTRUCTION_NAMES,
  INSTRUCTION_TABLE,
  type InstructionSpec,
  instructionSpec,
  isDeclaration,
  isOptional,
  type OpName,
  positionalFields,
} from "./instruction-table.ts";
export type { Issue } from "./issues.ts";
export {
  effectiveLimits,
  LIMIT_NAMES,
  type LimitSources,
  type LimitStatement,
  TIER_LIMITS,
  tierOf,
} from "./limits.ts";
export { createMachine, type Machine } from "./machine.ts";
export {
  type CallAnswer,
  type Completion,
  type CutReason,
  type Executor,
  isCutReason,
  type MachineError,
  type MachineInputs,
  type MachineOptions,
  type MachineResult,
  type MachineView,
  type SliceState,
} from "./machine-types.ts";
export { parseProgram, programHash } from "./program-document.ts";
export { isComputeOnly, replyGate } from "./release.ts";
export {
  type Expected,
  type ReplayRecord,
  type ReplayResult,
  replay,
  replayJournal,
  type StepObserver,
} from "./replay.ts";
export type { MachineRequest } from "./run.ts";
export {
  type CallHost,
  type CallRequest,
  type MachineFactory,
  type RunAnswer,
  RunScheduler,
  type RunSchedulerOptions,
} from "./run-scheduler.ts";
export { type ShadowResult, shadowRun } from "./shadow.ts";
export { inputHash, outputHash, type Trace, type TracePayload, traceOf } from "./trace.ts";
export * from "./types.ts";
export {
  type ProgramRefused,
  programInvalid,
  type VerifiedProgram,
  type VerifyOptions,
  verifyProgram,
} from "./verify.ts";
