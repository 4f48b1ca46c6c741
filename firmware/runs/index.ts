/** The public face of runs: admission, execution, settlement, records and triggers. */
export { admit, type ContractCheck } from "./admission.ts";
export { CallLog, type NotedCall } from "./call-log.ts";
export { capabilityView, schemaCheck } from "./capability-view.ts";
export { withRecordedSources } from "./evidence-sink.ts";
export type { AdmittedRun, ExecutionParts, RunReport, SettlePort } from "./execution.ts";
export { type InstalledProgram, type ReleaseSet, subjectIn, subjectOf } from "./program-set.ts";
export { type JudgedEvidence, type Reply, releaseReply } from "./reply.ts";
export { newRunId } from "./run-id.ts";
export { RunRetention, type RunRetentionLimits, type RunsRetained } from "./run-retention.ts";
export { namedByRun, RUN_BASES } from "./run-row.ts";
export { type RunRequest, type RunResult, RunService, type RunServiceOptions } from "./run-service.ts";
export {
  decodeOpenRun,
  decodeRun,
  type FullRunRecord,
  OPEN_RUNS,
  type OpenRun,
  RUNS,
  RunStore,
  recordLeaf,
  type StagedRun,
  type StoredRun,
} from "./run-store.ts";
export { runSafeProgram, type SafeProgramParts } from "./safe-program.ts";
export { Triggers, type TriggersOptions } from "./triggers.ts";
export { type Circumstances, RunOrdinals } from "./uneventful.ts";
