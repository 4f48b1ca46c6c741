/** How the rest of the daemon speaks to its fleet: events and telemetry through the outbox. */
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import { newMessageId } from "./message-id.ts";
import { type DeviceIdentity, eventMessage, telemetryMessage } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { OutboxGap } from "./outbox-records.ts";
import type { OutboxDraft, Staged } from "./outbox-types.ts";
import type { DeviceTopics } from "./topics.ts";

export interface FleetPublisherOptions {
  readonly outbox: Outbox;
  readonly topics: DeviceTopics;
  readonly device: DeviceIdentity;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export class FleetPublisher {
  readonly #options: FleetPublisherOptions;

  constructor(options: FleetPublisherOptions) {
    this.#options = options;
  }

  /**
   * Stages an event of class logic for the batch of its cause.
   * @param idem what it reports, for example `run/<ledger hash>`: the same cause is reported once.
   * @throws CodedError `outbox_full`, `idempotency_conflict`, `topic_invalid`.
   */
  stageEvent(
    name: string,
    idem: string,
    data: JsonObject,
    options: Pick<OutboxDraft, "supersedes"> = {},
  ): Staged {
    const { outbox, topics, device, clock, entropy } = this.#options;
    const now = clock.wallMs();
    const id = newMessageId(now, entropy);
    const body = eventMessage(device, id, name, now, data);
    return outbox.stage({ topic: topics.event(name), class: "logic", body, id, idem, ...options });
  }

  /** A reading or measure; lost first when the outbox is full. @param lifetimeMs after which it is worthless. */
  async telemetry(name: string, data: JsonObject, lifetimeMs: number): Promise<void> {
    const { outbox, topics, device, clock, entropy } = this.#options;
    const now = clock.wallMs();
    const id = newMessageId(now, entropy);
    const body = telemetryMessage(device, id, name, now, data);
    const topic = topics.telemetry(name);
    await outbox.enqueue({ topic, class: "telemetry", body, id, expiresMs: now + lifetimeMs });
  }
}

/** The report of a gap, for `OutboxOptions.gapMessage`. */
export const gapReporter =
  (device: DeviceIdentity, topics: DeviceTopics, clock: Clock) =>
  (gap: OutboxGap, id: string): { readonly topic: string; readonly body: Uint8Array } => {
    const { class: flow, from, to, count } = gap;
    const body = eventMessage(device, id, "outbox_gap", clock.wallMs(), { class: flow, from, to, count });
    return { topic: topics.event("outbox_gap"), body };
  };
