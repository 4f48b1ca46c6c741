/** The public face of updates: the publisher's side, transports, and the service that runs on the device. */
export type { BootResult } from "./boot.ts";
export type { OtaOptions, OtaRuntime } from "./context.ts";
export type { GateResult, GateViolation } from "./gates/runner.ts";
export type { RollbackWish } from "./intake.ts";
export type { OtaNotice } from "./journal.ts";
export { OTA_STATES, type OtaState } from "./machine.ts";
export type * from "./ports.ts";
export { type BuiltRelease, buildRelease, type ReleaseSource, type Signer } from "./publisher/build.ts";
export { publishRelease, withdrawRelease } from "./publisher/publish.ts";
export {
  bundleBytes,
  MAX_BUNDLE_BYTES,
  type ReleaseBundle,
  readBundle,
  releaseHash,
  type SelfTestEntry,
} from "./release/bundle.ts";
export {
  MAX_STATEMENT_BYTES,
  RELEASE_TYPE,
  type ReleaseAudience,
  type ReleaseStatement,
  verifyStatement,
} from "./release/statement.ts";
export { configDrift } from "./rules/drift.ts";
export type { OtaRun } from "./run.ts";
export { OtaService, type OtaStatus, type StageResult } from "./service.ts";
export type { OtaConfig } from "./settings.ts";
export { policyOfRelease, storedPolicy } from "./stored-policy.ts";
export { MqttTransport, type MqttTransportOptions } from "./transport/mqtt.ts";
export { otaTopics } from "./transport/topics.ts";
