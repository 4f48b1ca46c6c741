import type { Clock, Timer, TimeTrust } from "../../firmware/ports/clock.ts";
import { drifted, type OscillatorState, readOscillator } from "./clock-reading.ts";
import type { VirtualTime } from "./virtual-time.ts";

export { VirtualTime, type VirtualTimeOptions } from "./virtual-time.ts";

export interface VirtualClockOptions {
  readonly time: VirtualTime;
  readonly wall0Ms: number;
  readonly ppm?: number;
  readonly bootId: string;
  readonly trust?: TimeTrust;
  /** True microseconds that a turn of the host costs: what the slice before it has computed. Default 0. */
  readonly yieldUs?: () => number;
  /** While true time is before it, the device's events wait. */
  readonly frozenUntilUs?: () => number;
}

/** One device's Clock on virtual time, with drift and corrections; booted when constructed. */
export class VirtualClock implements Clock {
  readonly bootId: string;
  readonly #options: VirtualClockOptions;
  readonly #time: VirtualTime;
  readonly #jumps: { atUs: number; byMs: number }[] = [];
  readonly #oscillator: OscillatorState;
  #trust: TimeTrust;
  #floorMs = 0;
  #isStopped = false;
  /** The last reading of both clocks: within an event they are asked often, and stand still. */
  #readAtUs = -1;
  #monoMs = 0;
  #rawWallMs = 0;

  constructor(options: VirtualClockOptions) {
    this.#options = options;
    this.bootId = options.bootId;
    this.#time = options.time;
    this.#trust = options.trust ?? "trusted";
    this.#oscillator = {
      wall0Ms: options.wall0Ms,
      ppm: options.ppm ?? 0,
      bootAtUs: options.time.nowUs,
      jumps: this.#jumps,
    };
  }

  wallMs(): number {
    return Math.max(this.rawWallMs(), this.#floorMs);
  }

  get floorMs(): number {
    return this.#floorMs;
  }

  /** What the calendar shows, without the floor. */
  rawWallMs(): number {
    this.#read();
    return this.#rawWallMs;
  }

  /** The same to the microsecond, for those who compare it with true time. */
  rawWallUs(): number {
    const { wall0Ms, ppm } = this.#oscillator;
    const jumpsMs = this.#jumps.reduce((sum, { byMs }) => sum + byMs, 0);
    return (wall0Ms + jumpsMs) * 1000 + drifted(this.#time.nowUs, ppm);
  }

  monoMs(): number {
    this.#read();
    return this.#monoMs;
  }

  #read(): void {
    const { nowUs } = this.#time;
    if (nowUs === this.#readAtUs) return;
    const { bootAtUs, ppm } = this.#oscillator;
    this.#rawWallMs = readOscillator(this.#oscillator, nowUs).wallMs;
    this.#monoMs = Math.floor(drifted(nowUs - bootAtUs, ppm) / 1000);
    this.#readAtUs = nowUs;
  }

  trust(): TimeTrust {
    return this.rawWallMs() < this.#floorMs ? "floor" : this.#trust;
  }

  setTrust(trust: TimeTrust): void {
    this.#trust = trust;
  }

  /** Wall time never reads below it, as on the daemon's own clock (trust.md 3.1). */
  setFloor(ms: number): void {
    this.#floorMs = ms;
  }

  /** A correction of the wall clock from now on. */
  jumpWall(byMs: number): void {
    this.#jumps.push({ atUs: this.#time.nowUs, byMs });
    this.#readAtUs = -1;
  }

  /** The power is gone: no timer fires any more. */
  stop(): void {
    this.#isStopped = true;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): Timer {
    const { ppm } = this.#oscillator;
    return this.#afterUs((Math.max(0, ms) * 1000 * 1e6) / (1e6 + ppm), callback);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.#afterUs(this.#options.yieldUs?.() ?? 0, resolve));
  }

  #afterUs(us: number, callback: () => void): Timer {
    let timer: Timer;
    const arm = (atUs: number): void => {
      timer = this.#time.at(atUs, 2, () => {
        if (this.#isStopped) return;
        const thawUs = this.#options.frozenUntilUs?.() ?? 0;
        if (thawUs > this.#time.nowUs) arm(thawUs);
        else callback();
      });
    };
    arm(this.#time.nowUs + us);
    const cancel = () => timer.cancel();
    return { cancel, [Symbol.dispose]: cancel };
  }
}
