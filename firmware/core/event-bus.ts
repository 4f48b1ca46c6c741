/** In-process events. A failing subscriber is reported with its owner's name and never reaches the publisher. */
export class EventBus<Events extends Record<string, unknown>> {
  readonly #subscribers = new Map<keyof Events, Map<string, (event: never) => void>>();
  readonly #onFailure: (owner: string, event: keyof Events, error: unknown) => void;

  constructor(options: { readonly onFailure: (owner: string, event: keyof Events, error: unknown) => void }) {
    this.#onFailure = options.onFailure;
  }

  /** One handler per owner and event; disposing the result removes it. */
  on<K extends keyof Events>(owner: string, event: K, handler: (event: Events[K]) => void): Disposable {
    const handlers = this.#subscribers.get(event) ?? new Map<string, (event: never) => void>();
    this.#subscribers.set(event, handlers);
    handlers.set(owner, handler);
    return { [Symbol.dispose]: () => void (handlers.get(owner) === handler && handlers.delete(owner)) };
  }

  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    for (const [owner, handler] of this.#subscribers.get(event) ?? []) {
      try {
        (handler as (event: Events[K]) => void)(payload);
      } catch (error) {
        this.#onFailure(owner, event, error);
      }
    }
  }
}
