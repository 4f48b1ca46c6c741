/** The public face of sync: replicated documents between the devices of a fleet (sync.md). */
export { type Batch, hashBatch, type SignedBatch } from "./batch.ts";
export { decideOpinions, decisionStrength, type Opinion } from "./consensus.ts";
export * from "./crdt/types.ts";
export { signingKeyOf } from "./envelope.ts";
export { compareStamps, deviceOfReplica, formatStamp, parseStamp, type Stamp } from "./hlc.ts";
export { answerLease, fence, heldLease, type LeaseGrantState, type LeaseReply, quorumGate } from "./lease.ts";
export type { Change, LocalWrite } from "./local-change.ts";
export {
  convergence,
  effectiveBatches,
  type HeadRow,
  lagOf,
  type SyncMeasures,
  summaryOf,
} from "./measures.ts";
export type { SyncEvent } from "./reporter.ts";
export {
  activeMembers,
  type DocumentRule,
  documentRule,
  type Roster,
  type RosterDevice,
  readRoster,
} from "./roster.ts";
export { judgeSnapshot, snapshotCut, stableCut } from "./stability.ts";
export { type SyncOptions, SyncService } from "./sync-service.ts";
export { countWitnesses, WITNESSES, witnessesOf, witnessOrder } from "./witnesses.ts";
