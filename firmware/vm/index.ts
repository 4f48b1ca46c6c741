/** The public face of the machine: verify, run, replay. */

export type { CapabilitySignature, CapabilityView, SchemaCheck } from "./capability-view.ts";
export { compilerState } from "./compiler/compiled-code.ts";
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
export {
  effectiveLimits,
  LIMIT_NAMES,
  type LimitSources,
  type LimitStatement,
  TIER_LIMITS,
  tierOf,
} from "./limits.ts";
export { createMachine, type Machine } from "./machine/machine.ts";
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
} from "./machine/machine-types.ts";
export type { MachineRequest } from "./machine/run.ts";
export {
  type CallHost,
  type CallRequest,
  type MachineFactory,
  type RunAnswer,
  RunScheduler,
  type RunSchedulerOptions,
} from "./machine/run-scheduler.ts";
export { isComputeOnly, replyGate } from "./replay/release.ts";
export {
  type Expected,
  type ReplayRecord,
  type ReplayResult,
  replay,
  replayJournal,
  type StepObserver,
} from "./replay/replay.ts";
export { type ShadowResult, shadowRun } from "./replay/shadow.ts";
export { inputHash, outputHash, type Trace, type TracePayload, traceOf } from "./replay/trace.ts";
export * from "./types.ts";
export type { CrcParams } from "./values/crc.ts";
export type { Issue } from "./verifier/issues.ts";
export { parseProgram, programHash } from "./verifier/program-document.ts";
export {
  type ProgramRefused,
  programInvalid,
  type VerifiedProgram,
  type VerifyOptions,
  verifyProgram,
} from "./verifier/verify.ts";
