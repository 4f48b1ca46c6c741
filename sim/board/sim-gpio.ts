import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Edge, GpioEdge, GpioLine, GpioRequest, Level } from "../../firmware/ports/hardware.ts";
import type { BoardLines } from "./board-lines.ts";
import type { Boot } from "./boot.ts";
import { busError } from "./faults.ts";
import { LineEvents } from "./line-events.ts";
import { watchLine } from "./line-watch.ts";

export type { Actuator, LineWiring } from "./line-wiring.ts";

export interface SimLineOptions {
  readonly name: string;
  readonly request: GpioRequest;
  readonly lines: BoardLines;
  readonly boot: Boot;
  readonly entropy: Entropy;
  readonly pollMs?: number | undefined;
  readonly onRelease: () => void;
}

/** One claimed line (simulator.md 3). Released lines go back to input, and what hangs on them follows its pull. */
export class SimGpioLine implements GpioLine {
  readonly #options: SimLineOptions;
  readonly #line: number;
  readonly #writeLabel: string;
  readonly #readLabel: string;
  readonly #watches = new Set<Disposable>();
  #events: LineEvents | null = null;
  #lost = 0;
  #isReleased = false;

  private constructor(options: SimLineOptions) {
    this.#options = options;
    this.#line = options.request.line;
    this.#writeLabel = `gpio.write:${this.#line}`;
    this.#readLabel = `gpio.read:${this.#line}`;
  }

  /** Claims the line: direction and first level in one step. */
  static open(options: SimLineOptions): Promise<SimGpioLine> {
    const { boot, lines, request } = options;
    const { line, direction } = request;
    return boot.take(`gpio.request:${line}`, () => {
      const value = request.direction === "out" ? request.initial : request.bias;
      boot.record?.("gpio.request", { line, direction, value });
      if (request.direction === "out") lines.drive(line, request.initial, boot.nowUs());
      else lines.release(line, request.bias, boot.nowUs());
      return new SimGpioLine(options);
    });
  }

  /** Edges lost because the kernel's queue was full. */
  get lost(): number {
    return this.#lost;
  }

  async read(): Promise<Level> {
    this.#assertOpen();
    const { boot, lines } = this.#options;
    return await boot.take(this.#readLabel, () => lines.read(this.#line, boot.nowUs()));
  }

  async write(value: Level): Promise<void> {
    this.#assertOpen();
    const { boot, lines, name, request } = this.#options;
    if (request.direction === "in") throw busError("io_error", `${name} is an input`, name, false, "EPERM");
    await boot.take(this.#writeLabel, () => {
      boot.record?.("gpio.write", { line: this.#line, value });
      lines.drive(this.#line, value, boot.nowUs());
    });
  }

  watch(edge: Edge, debounceMs: number, handler: (edge: GpioEdge) => void): Disposable {
    this.#assertOpen();
    const { boot, lines } = this.#options;
    const watching = watchLine({
      boot,
      events: this.#kernelEvents(),
      initial: lines.levelBefore(this.#line, boot.nowUs()),
      edge,
      debounceMs,
      handler,
      onDelivered: (value) => boot.record?.("gpio.edge", { line: this.#line, value }),
    });
    const watch: Disposable = {
      [Symbol.dispose]: () => {
        watching[Symbol.dispose]();
        this.#watches.delete(watch);
      },
    };
    this.#watches.add(watch);
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isReleased) return;
    const { boot, lines, onRelease } = this.#options;
    this.#isReleased = true;
    this.end();
    await boot.take(`gpio.release:${this.#line}`, () => {
      boot.record?.("gpio.release", { line: this.#line });
      lines.release(this.#line, null, boot.nowUs());
    });
    onRelease();
  }

  /** The owner is gone: nobody hears of edges any more. */
  end(): void {
    for (const watch of [...this.#watches]) watch[Symbol.dispose]();
  }

  #kernelEvents(): LineEvents {
    const { boot, lines, entropy, pollMs } = this.#options;
    this.#events ??= new LineEvents({
      boot,
      source: lines.source(this.#line),
      entropy,
      pollMs,
      onLost: (lost) => {
        this.#lost += lost;
        boot.record?.("gpio_overflow", { line: this.#line, lost });
      },
    });
    return this.#events;
  }

  #assertOpen(): void {
    const { name } = this.#options;
    if (this.#isReleased) throw busError("io_error", `${name} was released`, name, false);
  }
}
