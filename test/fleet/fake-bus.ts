import { topicMatches } from "../../firmware/core/topic-filter.ts";
import type {
  InboundMessage,
  LinkState,
  MessageBus,
  PublishOptions,
} from "../../firmware/ports/message-bus.ts";

export interface Sent {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly options: PublishOptions;
}

/** A link in memory. `answer` decides what the broker does with a message; by default it acknowledges at once. */
export class FakeBus implements MessageBus {
  readonly protocol = "5";
  readonly sent: Sent[] = [];
  answer: (message: Sent, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;
  #state: LinkState = "offline";
  readonly #observers = new Set<(state: LinkState) => void>();
  readonly #subscribers = new Set<{ filter: string; handler: (message: InboundMessage) => void }>();

  get state(): LinkState {
    return this.#state;
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const observe of this.#observers) observe(state);
  }

  deliver(topic: string, payload: Uint8Array, extra: Partial<InboundMessage> = {}): void {
    for (const { filter, handler } of this.#subscribers) {
      if (topicMatches(filter, topic)) handler({ topic, payload, retained: false, ...extra });
    }
  }

  async publish(
    topic: string,
    payload: Uint8Array,
    options: PublishOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    const message = { topic, payload, options };
    await this.answer(message, signal);
    this.sent.push(message);
  }

  async subscribe(filter: string, handler: (message: InboundMessage) => void): Promise<AsyncDisposable> {
    const subscriber = { filter, handler };
    this.#subscribers.add(subscriber);
    return { [Symbol.asyncDispose]: async () => void this.#subscribers.delete(subscriber) };
  }

  onState(_owner: string, handler: (state: LinkState) => void): Disposable {
    this.#observers.add(handler);
    return { [Symbol.dispose]: () => void this.#observers.delete(handler) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set("closed");
  }
}
