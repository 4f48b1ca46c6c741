import { Debouncer, type RawEdge } from "../../drivers/debouncer.ts";
import type { Clock, Timer } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Edge, GpioEdge, GpioLine, GpioRequest, Level } from "../../firmware/ports/hardware.ts";
import type { Contact } from "./contact.ts";
import { busError } from "./faults.ts";

/** How often a watched line is looked at; edges keep their true time. */
const WATCH_MS = 5;
/** Kernel event queue per line: on overflow the newest are lost. */
const EVENT_QUEUE = 16;

/** What a simulated output line drives. */
export interface Actuator {
  drive(level: Level | null, nowUs: number): void;
}

/** What hangs on a line; a line without wiring floats unless biased. */
export type LineWiring =
  | { readonly kind: "contact"; readonly contact: Contact }
  | { readonly kind: "actuator"; readonly actuator: Actuator };

export interface SimLineOptions {
  readonly name: string;
  readonly request: GpioRequest;
  readonly wiring: LineWiring | null;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly nowUs: () => number;
  readonly onRelease: () => void;
}

/** One claimed line (simulator.md 3). Released lines go back to input, and what hangs on them follows its pull. */
export class SimGpioLine implements GpioLine {
  readonly #options: SimLineOptions;
  readonly #watches = new Set<Disposable>();
  #driven: Level | null = null;
  #released = false;

  constructor(options: SimLineOptions) {
    this.#options = options;
    if (options.request.direction === "out") this.#drive(options.request.initial);
  }

  async read(): Promise<Level> {
    this.#assertOpen();
    return this.#levelAt(this.#options.nowUs());
  }

  async write(value: Level): Promise<void> {
    this.#assertOpen();
    if (this.#options.request.direction === "in") {
      throw busError("io_error", `${this.#options.name} is an input`, this.#options.name, false);
    }
    this.#drive(value);
  }

  watch(edge: Edge, debounceMs: number, handler: (edge: GpioEdge) => void): Disposable {
    this.#assertOpen();
    const { clock, nowUs, wiring } = this.#options;
    const startUs = nowUs();
    const offsetMs = clock.monoMs() - startUs / 1000;
    let seenUs = startUs - 1;
    const debouncer = new Debouncer(this.#levelAt(seenUs), debounceMs * 1000);
    let timer: Timer | null = null;
    const emit = (settled: RawEdge | null): void => {
      if (!settled) return;
      const wanted = edge === "both" || (edge === "rising") === (settled.value === 1);
      if (wanted) handler({ value: settled.value, monoMs: settled.at / 1000 + offsetMs });
    };
    const look = (): void => {
      // The microsecond of now is not over: what still happens in it belongs to the next look.
      const now = nowUs() - 1;
      const edges = wiring?.kind === "contact" ? wiring.contact.edgesBetween(seenUs, now) : [];
      seenUs = now;
      for (const raw of edges.slice(0, EVENT_QUEUE)) emit(debouncer.push({ at: raw.atUs, value: raw.value }));
      emit(debouncer.settle(now));
      timer = clock.after(WATCH_MS, look);
    };
    timer = clock.after(WATCH_MS, look);
    const watch: Disposable = {
      [Symbol.dispose]: () => {
        timer?.cancel();
        this.#watches.delete(watch);
      },
    };
    this.#watches.add(watch);
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    for (const watch of this.#watches) watch[Symbol.dispose]();
    this.#released = true;
    const { wiring, nowUs } = this.#options;
    if (wiring?.kind === "actuator") wiring.actuator.drive(null, nowUs());
    this.#options.onRelease();
  }

  #assertOpen(): void {
    const { name } = this.#options;
    if (this.#released) throw busError("io_error", `${name} was released`, name, false);
  }

  #drive(level: Level): void {
    const { wiring, nowUs } = this.#options;
    const now = nowUs();
    this.#driven = level;
    if (wiring?.kind === "actuator") wiring.actuator.drive(level, now);
  }

  #levelAt(atUs: number): Level {
    const { request, wiring, entropy } = this.#options;
    if (this.#driven !== null) return this.#driven;
    if (wiring?.kind === "contact") return wiring.contact.levelAt(atUs);
    if (request.direction === "in" && request.bias !== "none") return request.bias === "pull-up" ? 1 : 0;
    return entropy.float() < 0.5 ? 1 : 0;
  }
}
