/** Updates over MQTT: hears offers and fetches bundles. It gives bytes only; nothing here is believed. */
import { CodedError } from "../../firmware/core/errors.ts";
import { RELEASE_LIMITS } from "../../firmware/core/limits.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Log } from "../../firmware/ports/log.ts";
import type { MessageBus } from "../../firmware/ports/message-bus.ts";
import type { BundleSource } from "../ports.ts";
import { MAX_STATEMENT_BYTES } from "../release/statement.ts";
import { Assembly, type TransferTarget } from "./assembly.ts";
import { type OtaTopics, otaTopics } from "./topics.ts";

export interface MqttTransportOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly log: Log;
  readonly fleet: string;
  readonly device: string;
  /** Time without a new chunk after which a transfer is given up; default 600000 ms. */
  readonly stallMs?: number;
}

/** Invariant: one transfer at a time; what a stalled one has received is kept for the next try of the same bundle. */
export class MqttTransport implements BundleSource, AsyncDisposable {
  readonly #options: MqttTransportOptions;
  readonly #topics: OtaTopics;
  #offers: AsyncDisposable | null = null;
  #partial: { readonly sha256: string; readonly assembly: Assembly } | null = null;
  #working: Promise<void> = Promise.resolve();
  #next: Uint8Array | null = null;
  #isClosed = false;

  constructor(options: MqttTransportOptions) {
    this.#options = options;
    this.#topics = otaTopics(options.fleet, options.device);
  }

  /** Hears offers from now on; they are handled one at a time, and of those that wait only the newest counts. */
  async listen(onOffer: (statement: Uint8Array) => Promise<unknown>): Promise<void> {
    this.#offers = await this.#options.bus.subscribe(this.#topics.offer, ({ payload }) => {
      if (payload.length === 0 || payload.length > MAX_STATEMENT_BYTES || this.#isClosed) return;
      const isIdle = this.#next === null;
      this.#next = payload.slice();
      if (isIdle) this.#working = this.#working.then(() => this.#handle(onOffer));
    });
  }

  async #handle(onOffer: (statement: Uint8Array) => Promise<unknown>): Promise<void> {
    const statement = this.#next;
    this.#next = null;
    if (statement === null || this.#isClosed) return;
    try {
      await onOffer(statement);
    } catch (error) {
      this.#options.log.error("ota_offer_failed", { error: String(error) });
    }
  }

  /**
   * The bundle's bytes, of the stated length and hash.
   * @throws CodedError `transfer_stalled`, `target_hash_mismatch` (412); the signal's reason.
   */
  async fetch(target: TransferTarget, signal: AbortSignal): Promise<Uint8Array> {
    const assembly = this.#resume(target);
    for (const final of [false, true]) {
      await this.#receive(target, assembly, signal);
      const finished = assembly.finish();
      if (finished.ok) {
        this.#partial = null;
        return finished.bytes;
      }
      // A wrong chunk may have come first and barred the right one: all are fetched once more.
      if (final) throw new CodedError(finished.code, "The bundle is not the one offered.", { ...finished });
    }
    throw new CodedError("internal", "A transfer has two tries.");
  }

  #resume(target: TransferTarget): Assembly {
    if (this.#partial?.sha256 === target.sha256) return this.#partial.assembly;
    const assembly = new Assembly(target);
    this.#partial = { sha256: target.sha256, assembly };
    return assembly;
  }

  async #receive(target: TransferTarget, assembly: Assembly, signal: AbortSignal): Promise<void> {
    const { bus, clock, stallMs = RELEASE_LIMITS.stallMs } = this.#options;
    if (assembly.isComplete) return;
    let progressAt = clock.monoMs();
    let done: () => void = () => undefined;
    const complete = new Promise<void>((resolve) => {
      done = resolve;
    });
    const subscription = await bus.subscribe(this.#topics.chunks(target.sha256), ({ topic, payload }) => {
      const index = this.#topics.indexOf(target.sha256, topic);
      if (index === null || !assembly.add(index, payload)) return;
      progressAt = clock.monoMs();
      if (assembly.isComplete) done();
    });
    const stop = new AbortController();
    try {
      const until = AbortSignal.any([signal, stop.signal]);
      await Promise.race([complete, this.#stalled(() => progressAt, stallMs, assembly, until)]);
    } finally {
      stop.abort();
      await subscription[Symbol.asyncDispose]();
    }
  }

  async #stalled(
    progressAt: () => number,
    stallMs: number,
    assembly: Assembly,
    signal: AbortSignal,
  ): Promise<never> {
    const { clock } = this.#options;
    for (;;) {
      const left = progressAt() + stallMs - clock.monoMs();
      if (left <= 0) {
        const details = { received: assembly.received, total: assembly.total };
        throw new CodedError("transfer_stalled", "No new chunk has arrived.", { status: 412, details });
      }
      await clock.sleep(left, signal);
    }
  }

  /** Publishes the retained state of the device's update. */
  async report(status: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#options.bus.publish(this.#topics.status, status, { qos: 1, retain: true }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#offers?.[Symbol.asyncDispose]();
  }
}
