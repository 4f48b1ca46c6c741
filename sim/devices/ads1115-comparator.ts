const WINDOW = 0x10;
const LATCHING = 0x04;
/** COMP_QUE: conversions in a row beyond a threshold; the fourth setting disables the comparator. */
const QUEUE = [1, 2, 4, null] as const;

const signed = (word: number): number => (word << 16) >> 16;

export interface ComparatorSettings {
  readonly config: number;
  /** Lo_thresh and Hi_thresh as 16-bit words. */
  readonly low: number;
  readonly high: number;
}

/** Hi_thresh with its sign bit set and Lo_thresh without: the pin tells that a conversion is ready (SBAS444, 8.3.8). */
export const isReadySignal = ({ low, high }: ComparatorSettings): boolean =>
  (high & 0x8000) !== 0 && (low & 0x8000) === 0;

export const isEnabled = ({ config }: ComparatorSettings): boolean => (config & 3) !== 3;

/** The digital comparator (SBAS444, 8.3.7): traditional with hysteresis or window, queue and latch. */
export class Ads1115Comparator {
  #beyond = 0;
  #asserted = false;

  get asserted(): boolean {
    return this.#asserted;
  }

  /** After every conversion. */
  judge(code: number, settings: ComparatorSettings): void {
    const queue = QUEUE[(settings.config & 3) as 0 | 1 | 2 | 3];
    if (queue === null) {
      this.release();
      return;
    }
    const low = signed(settings.low);
    const high = signed(settings.high);
    const window = (settings.config & WINDOW) !== 0;
    const beyond = code > high || (window && code < low);
    this.#beyond = beyond ? this.#beyond + 1 : 0;
    if (this.#beyond >= queue) this.#asserted = true;
    else if (this.#asserted && (settings.config & LATCHING) === 0) {
      // The traditional comparator holds until the code falls below the lower threshold.
      const released = window ? !beyond : code < low;
      if (released) this.#asserted = false;
    }
  }

  /** The latch opens when the conversion register is read or the part is reset. */
  release(): void {
    this.#beyond = 0;
    this.#asserted = false;
  }
}
