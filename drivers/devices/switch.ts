import type { Edge, GpioEdge, GpioLine, Level } from "../../firmware/ports/hardware.ts";
import type { Measurement } from "./sensor.ts";

const flip = (level: Level): Level => (level === 1 ? 0 : 1);
const flipEdge = (edge: Edge): Edge => (edge === "both" ? "both" : edge === "rising" ? "falling" : "rising");

/** A switch or contact on an input line: 1 is active. Active low is applied here, once. */
export class Switch {
  readonly #line: GpioLine;
  readonly #activeLow: boolean;

  constructor(line: GpioLine, options: { readonly activeLow: boolean }) {
    this.#line = line;
    this.#activeLow = options.activeLow;
  }

  async read(): Promise<Measurement> {
    const level = await this.#line.read();
    return { value: this.#activeLow ? flip(level) : level, unit: "1", raw: level };
  }

  /** Debounced changes of the active state. */
  watch(edge: Edge, debounceMs: number, handler: (edge: GpioEdge) => void): Disposable {
    if (!this.#activeLow) return this.#line.watch(edge, debounceMs, handler);
    return this.#line.watch(flipEdge(edge), debounceMs, ({ value, monoMs }) =>
      handler({ value: flip(value), monoMs }),
    );
  }
}
