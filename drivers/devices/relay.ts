import { CodedError } from "../../firmware/core/errors.ts";
import type { GpioLine, Level } from "../../firmware/ports/hardware.ts";

/**
 * A relay behind one output line. `on` is what the load sees; active low is applied here, once, and nowhere else.
 * The read-back proves the level of the line, not that the contact moved.
 */
export class Relay {
  readonly #line: GpioLine;
  readonly #activeLow: boolean;

  constructor(line: GpioLine, options: { readonly activeLow: boolean }) {
    this.#line = line;
    this.#activeLow = options.activeLow;
  }

  /** The electrical level that switches the load on or off. */
  levelFor(on: boolean): Level {
    return on === this.#activeLow ? 0 : 1;
  }

  /** @throws CodedError `readback_mismatch` when the line does not take the level. */
  async set(on: boolean): Promise<{ readonly previous: Level; readonly readback: Level }> {
    const wanted = this.levelFor(on);
    const previous = await this.#line.read();
    await this.#line.write(wanted);
    const readback = await this.#line.read();
    if (readback !== wanted) {
      throw new CodedError("readback_mismatch", "the output line did not take the level", {
        status: 500,
        details: { wanted, readback, touched: true },
      });
    }
    return { previous, readback };
  }
}
