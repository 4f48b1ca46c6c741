import type {
  InboundMessage,
  LinkState,
  MessageBus,
  PublishOptions,
} from "../../firmware/ports/message-bus.ts";

function matches(filter: string, topic: string): boolean {
  const want = filter.split("/");
  const have = topic.split("/");
  for (const [i, part] of want.entries()) {
    if (part === "#") return true;
    if (have[i] === undefined || (part !== "+" && part !== have[i])) return false;
  }
  return want.length === have.length;
}

interface Subscription {
  readonly client: string;
  readonly filter: string;
  readonly handler: (message: InboundMessage) => void;
}

/** A broker in memory: topic filters, retained messages, and partitions between groups of clients. */
export class MemoryBroker {
  readonly #subscriptions = new Set<Subscription>();
  readonly #retained = new Map<string, { readonly from: string; readonly payload: Uint8Array }>();
  readonly published: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  readonly #observers = new Map<string, Set<(state: LinkState) => void>>();
  #groups: readonly (readonly string[])[] = [];

  /** Messages pass only inside a group; no groups: everyone hears everyone. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#groups = groups;
  }

  heal(): void {
    this.#groups = [];
  }

  /** The client's link was lost and is there again. */
  reconnect(client: string): void {
    for (const state of ["offline", "online"] as const)
      for (const observer of this.#observers.get(client) ?? []) observer(state);
  }

  #connected(a: string, b: string): boolean {
    return this.#groups.length === 0 || this.#groups.some((group) => group.includes(a) && group.includes(b));
  }

  /** Publishes as any client, also one that has no link: what a hostile sender does. */
  inject(from: string, topic: string, payload: Uint8Array, retain = false): void {
    this.published.push({ topic, payload });
    if (retain) this.#retained.set(topic, { from, payload });
    for (const { client, filter, handler } of [...this.#subscriptions]) {
      if (matches(filter, topic) && this.#connected(from, client))
        handler({ topic, payload: payload.slice(), retained: false });
    }
  }

  client(id: string): MessageBus {
    const own = new Set<Subscription>();
    const state: LinkState = "online";
    return {
      state,
      protocol: "5",
      publish: async (topic: string, payload: Uint8Array, options: PublishOptions) =>
        this.inject(id, topic, payload, options.retain),
      subscribe: async (filter, handler) => {
        const subscription = { client: id, filter, handler };
        own.add(subscription);
        this.#subscriptions.add(subscription);
        for (const [topic, { from, payload }] of this.#retained)
          if (matches(filter, topic) && this.#connected(from, id))
            handler({ topic, payload: payload.slice(), retained: true });
        return { [Symbol.asyncDispose]: async () => void this.#subscriptions.delete(subscription) };
      },
      onState: (_owner, handler) => {
        const observers = this.#observers.get(id) ?? new Set();
        this.#observers.set(id, observers.add(handler));
        return { [Symbol.dispose]: () => void observers.delete(handler) };
      },
      [Symbol.asyncDispose]: async () => {
        for (const subscription of own) this.#subscriptions.delete(subscription);
      },
    };
  }
}
