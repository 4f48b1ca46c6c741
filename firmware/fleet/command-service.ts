/**
 * Commands from operators (trust.md 7): verified in order, recorded before they run, run at most once, answered with a
 * signed receipt that names the ledger entry.
 */
import { checkSignatures } from "../core/dsse-verify.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError, codeOf, messageOf, type Refusal, refusal } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { KeyRecord } from "../core/key-record.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import type { EntryReceipt } from "../ledger/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { InboundMessage, MessageBus } from "../ports/message-bus.ts";
import type { Store } from "../ports/store.ts";
import type { Challenge } from "./challenge.ts";
import { type ReceivedCommand, readCommand } from "./command-format.ts";
import { CommandJournal } from "./command-journal.ts";
import { type Judgement, judgeCommand } from "./command-judge.ts";
import { type CommandRecord, CommandStore } from "./command-store.ts";
import { argsProblem, COMMAND_TABLE, type CommandRule } from "./command-table.ts";
import type { Committer } from "./committer.ts";
import { InboundLine } from "./inbound-line.ts";
import { KeyRates } from "./key-rates.ts";
import type { Outbox } from "./outbox.ts";
import { signReceipt } from "./receipt.ts";
import { Rejections } from "./rejections.ts";
import type { DeviceTopics } from "./topics.ts";

export interface CommandContext {
  readonly commandId: string;
  readonly name: string;
  readonly keyIds: readonly string[];
  readonly signal: AbortSignal;
}

export interface CommandResult {
  /** HTTP-like; 200 when done. */
  readonly status: number;
  /** Default `ok` below 400, else `command_failed`. */
  readonly code?: string;
  readonly details: JsonObject;
}

export type CommandHandler = (args: JsonObject, context: CommandContext) => Promise<CommandResult>;

/** The operator keys in force. */
export interface AuthorityView {
  readonly keys: ReadonlyMap<string, KeyRecord>;
  /** Wall ms after which the list authorises nothing new. */
  readonly expiresAt: number;
}

export interface CommandServiceOptions {
  readonly store: Store;
  readonly committer: Committer;
  readonly outbox: Outbox;
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly log: Log;
  readonly topics: DeviceTopics;
  readonly device: { readonly id: string; readonly fleet: string; readonly key: Ed25519KeyPair };
  readonly groups: () => readonly string[];
  /** Null before the device knows any list. */
  readonly authority: () => AuthorityView | null;
  readonly policyHash: () => string | null;
  /** Wall ms; key validity is judged at it while the clock is not trusted. */
  readonly timeFloorMs: () => number;
  readonly challenge: Challenge;
  /** Row 17: what the policy says about the signers and this command; null if it permits. */
  readonly permit: (
    rule: CommandRule,
    keyIds: readonly string[],
    args: JsonObject,
  ) => Promise<Refusal | null>;
  /** By `CommandRule.handler`; a name without one is unknown to this device. */
  readonly handlers: Readonly<Record<string, CommandHandler>>;
}

interface Arrival {
  readonly received: ReceivedCommand;
  readonly message: InboundMessage;
  readonly monoMs: number;
}

const PEER = "mqtt:cmd";

export class CommandService implements AsyncDisposable {
  readonly #options: CommandServiceOptions;
  readonly #records: CommandStore;
  readonly #journal: CommandJournal;
  readonly #rejections: Rejections;
  readonly #line: InboundLine;
  readonly #rates: KeyRates;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #subscription: AsyncDisposable | null = null;

  constructor(options: CommandServiceOptions) {
    this.#options = options;
    this.#records = new CommandStore(options.store);
    this.#journal = new CommandJournal(options, PEER);
    this.#rejections = new Rejections(options);
    this.#rates = new KeyRates(options.clock);
    this.#line = new InboundLine({
      clock: options.clock,
      log: options.log,
      rate: { rps: 20, burst: 40 },
      maxWaiting: 256,
      handle: (message) => this.#handle(message),
      onDropped: () => this.#rejections.count(PEER, "rate_limited"),
    });
  }

  /** Refusals since the start, by code. */
  get rejected(): ReadonlyMap<string, number> {
    return this.#rejections.totals;
  }

  /** Answers what a power cut interrupted, then listens. The outbox must have been started. @throws CodedError `store_corrupt`. */
  async start(): Promise<void> {
    const { topics, bus } = this.#options;
    for (const record of await this.#records.load()) await this.#interrupted(record);
    this.#subscription = await bus.subscribe(topics.command, (message) => {
      if (message.topic === topics.command) this.#line.push(message);
    });
  }

  /** Ends listening and waits for commands that run; those still running are interrupted by their signal. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscription?.[Symbol.asyncDispose]();
    await this.#line[Symbol.asyncDispose]();
    this.#stop.abort(new CodedError("closed", "The daemon stops.", { status: 503 }));
    await Promise.all(this.#running);
    await this.#rejections[Symbol.asyncDispose]();
  }

  async #handle(message: InboundMessage): Promise<void> {
    const received = readCommand(message.payload);
    if (!received.ok) return this.#anonymous(received, null);
    const arrival: Arrival = { received, message, monoMs: this.#options.clock.monoMs() };
    const judgement = await this.#judge(received, message.payload.length);
    if (!judgement.ok) {
      if (judgement.row <= 7) return this.#anonymous(judgement, arrival);
      return this.#refuse(arrival, judgement, judgement.signers);
    }
    if (judgement.action === "stored_receipt") return this.#again(arrival);
    const rule = this.#rule(received.command.name);
    if (!rule) throw new CodedError("internal", "A command without a rule was judged acceptable.");
    const denied = await this.#options.permit(rule, judgement.signers, received.command.args);
    if (denied) return this.#refuse(arrival, denied, judgement.signers);
    await this.#accept(arrival, rule, judgement.signers);
  }

  #rule(name: string): CommandRule | null {
    const rule = COMMAND_TABLE.get(name);
    return rule && Object.hasOwn(this.#options.handlers, rule.handler) ? rule : null;
  }

  async #judge(received: ReceivedCommand, sizeBytes: number): Promise<Judgement> {
    const { clock, challenge, device, groups, timeFloorMs } = this.#options;
    const { command, envelope, payload, hash } = received;
    const authority = this.#options.authority();
    const keys = authority?.keys ?? new Map<string, KeyRecord>();
    const clockTrusted = clock.trust() === "trusted";
    const rule = this.#rule(command.name);
    const known = await this.#records.hashOf(command.id);
    if (authority && clockTrusted && clock.wallMs() > authority.expiresAt) {
      return { ...refusal("authority_expired", 403), row: 5, signers: [] };
    }
    const counted = new Map<string, number>();
    return judgeCommand({
      command,
      hash,
      sizeBytes,
      signatures: checkSignatures(envelope, payload, keys),
      keys,
      device: {
        id: device.id,
        fleet: device.fleet,
        groups: groups(),
        nowMs: clock.wallMs(),
        clockTrusted,
        challenge: challenge.current,
        timeFloorMs: timeFloorMs(),
      },
      rule,
      seenById: known === null ? null : { id: command.id, hash: known },
      seenNonce: (keyId, nonce) => this.#records.idOfNonce(keyId, nonce),
      countLastMinute: (keyId) => {
        const count = counted.get(keyId) ?? this.#rates.count(keyId);
        counted.set(keyId, count);
        return count;
      },
      argsProblem: () => argsProblem(command.args, rule?.args ?? {}),
    });
  }

  /** Rows 1 to 7: counted; a sender that nobody vouches for learns nothing beyond "no". */
  #anonymous(problem: Refusal, arrival: Arrival | null): void {
    const { log, outbox, topics, device, clock } = this.#options;
    this.#rejections.count(PEER, problem.code);
    log.warn("command_rejected", { code: problem.code, reason: problem.reason });
    if (!arrival || !this.#rates.mayAnswerStranger()) return;
    const { id } = arrival.received.command;
    const body = signReceipt(
      {
        schema: "imu.receipt/1",
        commandId: id,
        commandHash: arrival.received.hash,
        device: device.id,
        outcome: "refused",
        code: "permission_denied",
        status: 403,
        details: {},
        ledger: null,
        policyHash: null,
        at: clock.wallMs(),
      },
      device.key,
    );
    const draft = {
      topic: topics.reply(id),
      class: "logs" as const,
      body,
      expiresMs: clock.wallMs() + COMMAND_LIMITS.refusalLifeMs,
    };
    this.#track(outbox.enqueue(draft).then(() => undefined));
  }

  /** Row 12: what was answered is answered again; while it still runs, its receipt will follow by itself. */
  async #again(arrival: Arrival): Promise<void> {
    const record = this.#records.find(arrival.received.command.id);
    if (!record?.receipt) return;
    // With its row: whether the first answer could be stored is not known here, and what is said twice must be the same.
    await this.#journal.answer(record, record.receipt, [this.#records.op(record)]);
  }

  /** Row 8 and later: recorded, then answered precisely. */
  async #refuse(arrival: Arrival, problem: Refusal, keyIds: readonly string[]): Promise<void> {
    this.#rejections.tally(problem.code);
    this.#options.log.warn("command_refused", { code: problem.code, reason: problem.reason });
    const record = this.#record(arrival, "", keyIds);
    const entry = await this.#journal.entry(record, problem.status, problem.code, arrival.monoMs);
    const details = {
      ...problem.details,
      ...(problem.reason === problem.code ? {} : { reason: problem.reason }),
    };
    const receipt = this.#journal.receipt(record, "refused", problem.code, problem.status, details, entry);
    await this.#journal.answer(record, receipt, []);
  }

  async #accept(arrival: Arrival, rule: CommandRule, keyIds: readonly string[]): Promise<void> {
    const { clock, challenge } = this.#options;
    const { command } = arrival.received;
    const trusted = clock.trust() === "trusted";
    const record = this.#record(arrival, rule.scope, keyIds);
    const ops = this.#records.accept(record, !trusted, trusted ? clock.wallMs() : null);
    if (!ops) return this.#refuse(arrival, refusal("replay_store_full", 503), keyIds);
    let entry: EntryReceipt;
    try {
      entry = await this.#journal.entry(record, 202, "accepted", arrival.monoMs, ops);
    } catch (error) {
      // Neither acknowledged nor executed: without a record it never happened (ledger.md 2).
      this.#records.withdraw(record);
      this.#options.log.error("command_unrecorded", { code: codeOf(error), problem: messageOf(error) });
      return;
    }
    if (!trusted) challenge.renew();
    this.#track(this.#run(record, rule, command.args, command.dryRun === true, entry));
  }

  async #run(
    record: CommandRecord,
    rule: CommandRule,
    args: JsonObject,
    dryRun: boolean,
    entry: EntryReceipt,
  ): Promise<void> {
    if (dryRun) {
      const plan = { plan: { name: record.name, handler: rule.handler, args } };
      return this.#finish(record, this.#journal.receipt(record, "dry_run", "ok", 200, plan, entry));
    }
    const context = {
      commandId: record.id,
      name: record.name,
      keyIds: record.keyIds,
      signal: this.#stop.signal,
    };
    let result: CommandResult;
    try {
      const handler = this.#options.handlers[rule.handler];
      if (!handler) throw new CodedError("internal", `There is no handler for ${rule.handler}.`);
      result = await handler(args, context);
    } catch (error) {
      const coded = error instanceof CodedError ? error : null;
      this.#options.log.error("command_failed", { name: record.name, problem: messageOf(error) });
      result = { status: coded?.status ?? 500, code: codeOf(error), details: coded?.details ?? {} };
    }
    const code = result.code ?? (result.status < 400 ? "ok" : "command_failed");
    const outcome = result.status < 400 ? "done" : "refused";
    await this.#finish(
      record,
      this.#journal.receipt(record, outcome, code, result.status, result.details, entry),
    );
  }

  /** An earlier life accepted it and did not finish: it never runs again. */
  async #interrupted(record: CommandRecord): Promise<void> {
    // Its own entry: what the earlier life recorded was only that it began.
    const entry = await this.#journal.entry(record, 503, "interrupted", this.#options.clock.monoMs());
    const receipt = this.#journal.receipt(record, "interrupted", "interrupted", 503, {}, entry);
    const done = this.#records.finish(record, receipt);
    await this.#journal.answer(done, receipt, [this.#records.op(done)]);
  }

  /** Tries until the answer is durable: a command whose answer was not stored would be `interrupted` in the next life. */
  async #finish(record: CommandRecord, receipt: Uint8Array): Promise<void> {
    const { clock, log } = this.#options;
    const done = this.#records.finish(record, receipt);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#journal.answer(done, receipt, [this.#records.op(done)]);
      } catch (error) {
        const problem = { commandId: done.id, code: codeOf(error), problem: messageOf(error) };
        if (attempt === 1) log.error("command_reply_failed", problem);
      }
      await clock.sleep(COMMAND_LIMITS.answerRetryMs, this.#stop.signal);
    }
  }

  #record({ received, message }: Arrival, scope: string, keyIds: readonly string[]): CommandRecord {
    const { topics } = this.#options;
    const { command, hash } = received;
    const wanted = [message.responseTopic, command.replyTo].filter(
      (topic) => topic !== undefined && topics.mayReplyTo(topic),
    ) as string[];
    return {
      id: command.id,
      hash,
      nonce: command.nonce,
      keyIds,
      name: command.name,
      scope,
      state: "accepted",
      expiresAt: command.expiresAt,
      replyTo: [...new Set([topics.reply(command.id), ...wanted])],
      correlation: message.correlationData?.slice(0, 256) ?? null,
      receipt: null,
    };
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) =>
        this.#options.log.error("command_reply_failed", { code: codeOf(error), problem: messageOf(error) }),
      )
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}
