import type { SerialTarget } from "../devices/target.ts";
import { Listeners } from "./listeners.ts";

const FIRST_RETRY_US = 100_000;
const LAST_RETRY_US = 10_000_000;

/** RS-485 on two wires: who sends does not hear, and goes on not hearing until the driver is switched off. */
export interface Rs485Wiring {
  /** From the end of the last stop bit until the receiver listens again, in µs. */
  readonly turnAroundUs: number;
}

/** The last time a port was away. */
export interface Outage {
  readonly number: number;
  readonly goneUs: number;
  /** Null while it is still away. */
  readonly backUs: number | null;
}

/** When the provider, which tries again after 0.1, 0.2, 0.4 … 10 s, has a port open that came back at `backUs`. */
export function reopenedUs(goneUs: number, backUs: number): number {
  let pauseUs = FIRST_RETRY_US;
  let atUs = goneUs + pauseUs;
  while (atUs < backUs) {
    pauseUs = Math.min(pauseUs * 2, LAST_RETRY_US);
    atUs += pauseUs;
  }
  return atUs;
}

/** A serial port by its name in the kernel, with what hangs on it; it may vanish and return, as USB adapters do. */
export class SerialPort {
  readonly name: string;
  readonly rs485: Rs485Wiring | null;
  target: SerialTarget | null;
  readonly #listeners = new Listeners<[]>();
  #outage: Outage | null = null;

  constructor(name: string, target: SerialTarget | null, rs485: Rs485Wiring | null) {
    this.name = name;
    this.target = target;
    this.rs485 = rs485;
  }

  get isPresent(): boolean {
    return this.#outage === null || this.#outage.backUs !== null;
  }

  get outage(): Outage | null {
    return this.#outage;
  }

  vanish(nowUs: number): void {
    if (!this.isPresent) return;
    this.#outage = { number: (this.#outage?.number ?? 0) + 1, goneUs: nowUs, backUs: null };
    this.#listeners.tell();
  }

  comeBack(nowUs: number): void {
    if (!this.#outage || this.isPresent) return;
    this.#outage = { ...this.#outage, backUs: nowUs };
    this.#listeners.tell();
  }

  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }
}
