/** What must hold between limits, so that no part produces what another one refuses. */
import {
  ASK_LIMITS,
  BUS_LIMITS,
  DERIVED_LIMITS,
  GATE_LIMITS,
  JOB_LIMITS,
  SAFE_STATE_LIMITS,
  STORAGE_LIMITS,
} from "./capabilities.ts";
import { DSSE_LIMITS, FILE_LIMITS, JSON_LIMITS, POLICY_LIMITS, TOPIC_LIMITS } from "./documents.ts";
import { CLAIM_LIMITS, EVIDENCE_LIMITS, INBOUND_LIMITS, SAMPLING_LIMITS } from "./evidence.ts";
import { COMMAND_LIMITS, OUTBOX_LIMITS } from "./fleet.ts";
import { LEDGER_LIMITS } from "./ledger.ts";
import { PROBE_LIMITS, RELEASE_LIMITS, STEP_LIMITS, TRIAL_LIMITS } from "./ota.ts";
import { RUN_LIMITS } from "./runs.ts";
import { CONTROL_LIMITS, LINK_LIMITS } from "./service.ts";
import { GOSSIP_LIMITS, HELD_LIMITS, PEER_LIMITS, SYNC_LIMITS, TRICKLE_LIMITS } from "./sync.ts";
import { PROGRAM_LIMITS, SCHEDULER_LIMITS, VALUE_LIMITS } from "./vm.ts";

/** `small` must not be above `large`; both in the unit of the named limits. */
export interface LimitRelation {
  readonly name: string;
  readonly small: number;
  readonly large: number;
}

const atMost = (name: string, small: number, large: number): LimitRelation => ({ name, small, large });
const base64 = (bytes: number): number => 4 * Math.ceil(bytes / 3);
/** Key id, signature in base64 and their JSON frame. */
const SIGNATURE_TEXT_BYTES = 256;
/** Topic, properties and JSON frame around what a message carries. */
const FRAME_BYTES = 4096;

const messages: readonly LimitRelation[] = [
  atMost(
    "a gossip message fits into a packet",
    GOSSIP_LIMITS.messageBytes + FRAME_BYTES,
    LINK_LIMITS.packetBytes,
  ),
  atMost("a fork proof holds two messages", 2 * GOSSIP_LIMITS.messageBytes, GOSSIP_LIMITS.proofBytes),
  atMost("a fork proof fits into a packet", GOSSIP_LIMITS.proofBytes + FRAME_BYTES, LINK_LIMITS.packetBytes),
  atMost("a fill in base64 fits into a message", base64(GOSSIP_LIMITS.fillBytes), GOSSIP_LIMITS.messageBytes),
  atMost(
    "a page of heads fits into a message",
    base64(GOSSIP_LIMITS.headsPageBytes),
    GOSSIP_LIMITS.messageBytes,
  ),
  atMost(
    "the deltas of a batch and its frame fit into a batch",
    GOSSIP_LIMITS.deltaBytes,
    GOSSIP_LIMITS.batchBytes,
  ),
  atMost("a batch is a payload that may be signed", GOSSIP_LIMITS.batchBytes, DSSE_LIMITS.payloadBytes),
  atMost("a group of writes fits into a batch", GOSSIP_LIMITS.writeGroup, GOSSIP_LIMITS.deltas),
  atMost("a held batch fits into what is held", GOSSIP_LIMITS.batchBytes, HELD_LIMITS.maxBytes),
  atMost("a pull may wait less than its retry", GOSSIP_LIMITS.pullWaitMs, GOSSIP_LIMITS.retryMs),
  atMost("a group of messages fits into the inbox", GOSSIP_LIMITS.inboxGroup, GOSSIP_LIMITS.inbox),
  atMost(
    "a held batch outlives the longest digest",
    TRICKLE_LIMITS.iminMs * 2 ** TRICKLE_LIMITS.doublings,
    HELD_LIMITS.forMs,
  ),
  atMost("the mark is written before the clock reaches it", SYNC_LIMITS.markEveryMs, SYNC_LIMITS.markAheadMs),
  atMost(
    "a published payload fits into a packet",
    BUS_LIMITS.publishBytes + FRAME_BYTES,
    LINK_LIMITS.packetBytes,
  ),
  atMost("a published topic is one that matches", TOPIC_LIMITS.publishBytes, TOPIC_LIMITS.topicBytes),
  atMost(
    "an answer that could not be stored is tried again while it can be sent",
    COMMAND_LIMITS.answerRetryMs,
    COMMAND_LIMITS.receiptLifeMs,
  ),
  atMost("a receipt fits into a packet", COMMAND_LIMITS.receiptBytes + FRAME_BYTES, LINK_LIMITS.packetBytes),
];

const senders: readonly LimitRelation[] = [
  atMost("a sender's burst lets a whole message pass", GOSSIP_LIMITS.messageBytes, PEER_LIMITS.bytes.burst),
  atMost("one sender is less than all", PEER_LIMITS.messages.rps, PEER_LIMITS.all.rps),
  atMost("one sender's burst is less than all", PEER_LIMITS.messages.burst, PEER_LIMITS.all.burst),
  atMost("the first silence is within the longest", PEER_LIMITS.muteMs, PEER_LIMITS.maxMuteMs),
  atMost(
    "an inbound message fits into a packet",
    INBOUND_LIMITS.maxBytes + FRAME_BYTES,
    LINK_LIMITS.packetBytes,
  ),
  atMost("an inbound message fits into a blob", INBOUND_LIMITS.maxBytes, EVIDENCE_LIMITS.blobBytes),
  atMost("samples fit into a blob", SAMPLING_LIMITS.maxBytes, EVIDENCE_LIMITS.blobBytes),
];

const documents: readonly LimitRelation[] = [
  atMost("a command is a payload that may be signed", COMMAND_LIMITS.messageBytes, DSSE_LIMITS.payloadBytes),
  atMost(
    "a command's lifetime outlasts the skew of clocks",
    COMMAND_LIMITS.skewMs,
    COMMAND_LIMITS.sentLifetimeMs,
  ),
  atMost(
    "a sent command lives within what is accepted",
    COMMAND_LIMITS.sentLifetimeMs,
    COMMAND_LIMITS.lifetimeMs,
  ),
  atMost(
    "an emergency may wait longer than a command",
    COMMAND_LIMITS.lifetimeMs,
    COMMAND_LIMITS.emergencyLifetimeMs,
  ),
  atMost(
    "a replay record outlives the skew of clocks",
    COMMAND_LIMITS.skewMs,
    COMMAND_LIMITS.keepAfterExpiryMs,
  ),
  atMost(
    "a statement's envelope holds its payload and signatures",
    base64(RELEASE_LIMITS.payloadBytes) + DSSE_LIMITS.signatures * SIGNATURE_TEXT_BYTES,
    RELEASE_LIMITS.statementBytes,
  ),
  atMost("a statement's payload may be signed", RELEASE_LIMITS.payloadBytes, DSSE_LIMITS.payloadBytes),
  atMost(
    "a chunk in base64 fits into a packet",
    base64(RELEASE_LIMITS.chunkBytes) + FRAME_BYTES,
    LINK_LIMITS.packetBytes,
  ),
  atMost(
    "the chunks of a bundle can be listed in a statement",
    Math.ceil(RELEASE_LIMITS.bundleBytes / RELEASE_LIMITS.chunkBytes),
    RELEASE_LIMITS.listed,
  ),
  atMost("a bundle holds a policy", POLICY_LIMITS.documentBytes, RELEASE_LIMITS.bundleBytes),
  atMost("a bundle holds a program", PROGRAM_LIMITS.documentBytes, RELEASE_LIMITS.bundleBytes),
  atMost(
    "a bundle fits into the disk's reserve",
    RELEASE_LIMITS.bundleBytes,
    RELEASE_LIMITS.diskReserveBytes,
  ),
  atMost("a policy may be authored", POLICY_LIMITS.documentBytes, FILE_LIMITS.authoredBytes),
  atMost("a program may be authored", PROGRAM_LIMITS.documentBytes, FILE_LIMITS.authoredBytes),
  atMost("a key fits into the authority file", FILE_LIMITS.keyBytes, FILE_LIMITS.authorityBytes),
  atMost("a program's value is one that is stored", VALUE_LIMITS.depth, JSON_LIMITS.storedDepth),
  atMost("what is stored is written canonically", JSON_LIMITS.storedDepth, JSON_LIMITS.canonicalDepth),
  atMost("what is stored is no deeper than its export", JSON_LIMITS.storedDepth, FILE_LIMITS.exportDepth),
  atMost(
    "what was signed is no deeper than what is stored",
    DSSE_LIMITS.payloadDepth,
    JSON_LIMITS.storedDepth,
  ),
  atMost(
    "an authored policy may be as deep as a policy",
    POLICY_LIMITS.documentDepth,
    FILE_LIMITS.authoredDepth,
  ),
  atMost(
    "a statement's payload is no deeper than what is signed",
    RELEASE_LIMITS.payloadDepth,
    DSSE_LIMITS.payloadDepth,
  ),
  atMost("a receipt is no deeper than what is signed", COMMAND_LIMITS.receiptDepth, DSSE_LIMITS.payloadDepth),
  atMost(
    "a gossip message fits into the packet of an unset link",
    GOSSIP_LIMITS.messageBytes,
    LINK_LIMITS.unsetPacketBytes,
  ),
  atMost("the built-in broker takes every packet", LINK_LIMITS.packetBytes, LINK_LIMITS.brokerPacketBytes),
  atMost(
    "a manifest is no deeper than what is signed",
    DERIVED_LIMITS.manifestDepth,
    DSSE_LIMITS.payloadDepth,
  ),
  atMost(
    "a contract's schema fits into a manifest",
    2 * GATE_LIMITS.schemaDepth,
    DERIVED_LIMITS.manifestDepth,
  ),
  atMost("an export is written canonically", FILE_LIMITS.exportDepth, JSON_LIMITS.canonicalDepth),
];

const records: readonly LimitRelation[] = [
  atMost("an entry holds its data", LEDGER_LIMITS.dataBytes, LEDGER_LIMITS.entryBytes),
  atMost(
    "a checkpoint is a note",
    LEDGER_LIMITS.noteSignatures * SIGNATURE_TEXT_BYTES,
    LEDGER_LIMITS.noteBytes,
  ),
  atMost("commits wait less than a checkpoint", LEDGER_LIMITS.groupCommitMs, LEDGER_LIMITS.checkpointMs),
  atMost("a checkpoint follows within a batch", LEDGER_LIMITS.checkpointEntries, LEDGER_LIMITS.groupEvents),
  atMost("an inline journal fits into a blob", RUN_LIMITS.inlineJournalBytes, EVIDENCE_LIMITS.blobBytes),
  atMost("a part of a journal fits into a blob", RUN_LIMITS.journalPartBytes, EVIDENCE_LIMITS.blobBytes),
  atMost("an inline payload fits into a blob", EVIDENCE_LIMITS.inlineBytes, EVIDENCE_LIMITS.blobBytes),
  atMost("a run's evidence can be exported", RUN_LIMITS.evidence, EVIDENCE_LIMITS.transferRecords),
  atMost("a claim's evidence fits into a manifest", CLAIM_LIMITS.evidence, EVIDENCE_LIMITS.manifestRecords),
  atMost(
    "a pattern fits into a claim's text",
    CLAIM_LIMITS.patternCharacters,
    CLAIM_LIMITS.matchedCharacters,
  ),
  atMost(
    "a stored value fits into its row",
    STORAGE_LIMITS.keyBytes + STORAGE_LIMITS.valueBytes + FRAME_BYTES,
    STORAGE_LIMITS.rowBytes,
  ),
  atMost("a row fits into its space", STORAGE_LIMITS.rowBytes, STORAGE_LIMITS.spaceBytes),
  atMost("a part of a path fits into a path", STORAGE_LIMITS.segmentBytes, STORAGE_LIMITS.pathBytes),
  atMost("an export fits into an answer", FILE_LIMITS.exportBytes, CONTROL_LIMITS.answerBytes),
  atMost("an export is no deeper than an answer", FILE_LIMITS.exportDepth, CONTROL_LIMITS.answerDepth),
  atMost("a blob fits into an export", base64(EVIDENCE_LIMITS.blobBytes), FILE_LIMITS.exportBytes),
  atMost(
    "a program fits into a request",
    PROGRAM_LIMITS.documentBytes + FRAME_BYTES,
    CONTROL_LIMITS.requestBytes,
  ),
  atMost(
    "a staged part fits into a request",
    CONTROL_LIMITS.stagedCharacters + FRAME_BYTES,
    CONTROL_LIMITS.requestBytes,
  ),
  atMost(
    "an argument is no deeper than a request",
    CONTROL_LIMITS.argumentDepth,
    CONTROL_LIMITS.requestDepth,
  ),
];

const times: readonly LimitRelation[] = [
  atMost(
    "the attempts of a safe state and the release fit into its time",
    SAFE_STATE_LIMITS.writeMs * SAFE_STATE_LIMITS.attempts + SAFE_STATE_LIMITS.releaseMs,
    SAFE_STATE_LIMITS.totalMs,
  ),
  atMost("a program's turn fits into a slice", SCHEDULER_LIMITS.turnSteps, SCHEDULER_LIMITS.sliceSteps),
  atMost("a slice is short beside a group of commits", SCHEDULER_LIMITS.sliceMs, LEDGER_LIMITS.groupCommitMs),
  atMost(
    "calls of a stopped run rest before the daemon ends",
    SCHEDULER_LIMITS.stopWaitMs,
    RUN_LIMITS.drainMs,
  ),
  atMost("a link's first pause is within the longest", LINK_LIMITS.firstBackoffMs, LINK_LIMITS.backoffMs),
  atMost("the broker confirms within the lease of a message", LINK_LIMITS.ackMs, OUTBOX_LIMITS.leaseMs),
  atMost("a link stands before imuctl stops waiting", LINK_LIMITS.openMs, LINK_LIMITS.connectMs),
  atMost("runs fit into the queue of runs", SCHEDULER_LIMITS.runs, SCHEDULER_LIMITS.waiting),
  atMost("one subject's queue fits into all", GATE_LIMITS.queuePerSubject, GATE_LIMITS.queueTotal),
  atMost("a GPIO call may be a write of a safe state", BUS_LIMITS.gpioMs, SAFE_STATE_LIMITS.writeMs),
  atMost(
    "a missing resource is probed before a person is asked again",
    ASK_LIMITS.probeMs,
    ASK_LIMITS.repeatMs,
  ),
  atMost("an ask is repeated before it expires", ASK_LIMITS.repeatMs, ASK_LIMITS.expiryMs),
  atMost("a waiting run ends with its ask", ASK_LIMITS.resumeMaxAgeMs, ASK_LIMITS.expiryMs),
  atMost("an idempotency key outlives a lease", JOB_LIMITS.leaseMs, JOB_LIMITS.keyLifeMs),
  atMost("an attempt to send ends before the longest pause", OUTBOX_LIMITS.leaseMs, OUTBOX_LIMITS.backoffMs),
  atMost("a search for expired messages comes within a lease", OUTBOX_LIMITS.sweepMs, OUTBOX_LIMITS.leaseMs),
  atMost("the probe's window fits into its step", PROBE_LIMITS.windowMs, STEP_LIMITS.probe),
  atMost(
    "the echoes are sent within the window",
    PROBE_LIMITS.count * PROBE_LIMITS.everyMs,
    PROBE_LIMITS.windowMs,
  ),
  atMost("an echo may take as long as the window", PROBE_LIMITS.p95Ms, PROBE_LIMITS.windowMs),
  atMost("a trial is looked at before it ends", TRIAL_LIMITS.evaluateMs, TRIAL_LIMITS.minHoldMs),
  atMost("a trial's shortest time is within its longest", TRIAL_LIMITS.minHoldMs, TRIAL_LIMITS.maxHoldMs),
  atMost(
    "the result of a gate outlives the gates and the shadow",
    STEP_LIMITS.shadow,
    TRIAL_LIMITS.gateTtlMs,
  ),
  atMost(
    "the first pause of a stage is within the longest",
    TRIAL_LIMITS.firstBackoffMs,
    TRIAL_LIMITS.backoffMs,
  ),
];

/** Every relation by name; a test lists them, and the daemon does not start when one is broken. */
export const LIMIT_RELATIONS: readonly LimitRelation[] = Object.freeze([
  ...messages,
  ...senders,
  ...documents,
  ...records,
  ...times,
]);

/** Names of the relations that do not hold, with their numbers; empty when all do. */
export const brokenRelations = (relations: readonly LimitRelation[] = LIMIT_RELATIONS): readonly string[] =>
  relations
    .filter(({ small, large }) => !(small <= large))
    .map(({ name, small, large }) => `${name} (${small} > ${large})`);
