/** The fleet link: outbox, commands, status. */
export { type Authority, assertNotOlder, loadAuthority, readAuthority } from "./authority.ts";
export { Challenge } from "./challenge.ts";
export {
  COMMAND_TYPE,
  type Command,
  MAX_COMMAND_BYTES,
  RECEIPT_TYPE,
  readCommand,
} from "./command-format.ts";
export { type Judgement, judgeCommand } from "./command-judge.ts";
export {
  type AuthorityView,
  type CommandContext,
  type CommandHandler,
  type CommandResult,
  CommandService,
  type CommandServiceOptions,
} from "./command-service.ts";
export { COMMANDS, decodeCommand, forgottenCommand } from "./command-store.ts";
export { COMMAND_TABLE, type CommandRule } from "./command-table.ts";
export type { Committer } from "./committer.ts";
export { loadDeviceKey, loadMasterKey, storeDeviceKey } from "./key-files.ts";
export { isMessageId, newMessageId } from "./message-id.ts";
export { type DeviceIdentity, offlineMessage, type StatusView, statusMessage } from "./messages.ts";
export { Outbox } from "./outbox.ts";
export type { OutboxClass } from "./outbox-queue.ts";
export {
  decodeGap,
  decodeRecord,
  OUTBOX,
  OUTBOX_DEAD,
  OUTBOX_GAPS,
  type OutboxGap,
  outboxSeq,
} from "./outbox-records.ts";
export type { OutboxDraft, OutboxOptions, OutboxStats, Staged } from "./outbox-types.ts";
export { FleetPublisher, gapReporter } from "./publisher.ts";
export type { Receipt } from "./receipt.ts";
export { StatusPublisher } from "./status-publisher.ts";
export { type DeviceTopics, deviceTopics, isFleetId } from "./topics.ts";
