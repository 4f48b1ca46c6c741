/** Keeps the retained `status` true: after every connect, on every change, and with a goodbye at the end. */
import { codeOf } from "../core/errors.ts";
import { OUTBOX_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import { type DeviceIdentity, offlineMessage, type StatusView, statusMessage } from "./messages.ts";

export interface StatusPublisherOptions {
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly log: Log;
  readonly topic: string;
  readonly device: DeviceIdentity;
  readonly view: () => StatusView;
}

export class StatusPublisher implements AsyncDisposable {
  readonly #options: StatusPublisherOptions;
  #subscription: Disposable | null = null;
  #gathering: Disposable | null = null;
  #publishing: Promise<void> = Promise.resolve();

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus } = this.#options;
    this.#subscription = bus.onState("status", (state) => {
      if (state === "online") this.#publishNow();
    });
    if (bus.state === "online") this.#publishNow();
  }

  /** Something the status tells has changed. */
  changed(): void {
    if (!this.#subscription) return;
    this.#gathering ??= this.#options.clock.after(OUTBOX_LIMITS.statusGatherMs, () => {
      this.#gathering = null;
      this.#publishNow();
    });
  }

  /** Publishes that the device is offline, as a last will would, and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription?.[Symbol.dispose]();
    this.#gathering?.[Symbol.dispose]();
    this.#subscription = null;
    await this.#publishing;
    await this.#publish(offlineMessage(this.#options.device));
  }

  #publishNow(): void {
    const { device, view, clock } = this.#options;
    this.#publishing = this.#publishing.then(() =>
      this.#publish(statusMessage(device, view(), clock.wallMs())),
    );
  }

  async #publish(body: Uint8Array): Promise<void> {
    const { bus, log, topic } = this.#options;
    if (bus.state !== "online") return; // The next connect publishes what holds then.
    try {
      await bus.publish(topic, body, { qos: 1, retain: true });
    } catch (error) {
      log.warn("status_unpublished", { code: codeOf(error) });
    }
  }
}
