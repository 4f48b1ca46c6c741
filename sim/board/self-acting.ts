import type { Timer } from "../../firmware/ports/clock.ts";
import type { I2cTarget } from "../devices/target.ts";
import type { Schedule } from "./boot.ts";

interface Due {
  readonly atUs: number;
  readonly timer: Timer;
}

/** Devices with output pins: called when they do something by themselves and when the world has moved. */
export class SelfActing {
  readonly #at: Schedule;
  readonly #nowUs: () => number;
  readonly #targets: readonly I2cTarget[];
  readonly #due = new Map<I2cTarget, Due>();

  constructor(options: {
    readonly at: Schedule;
    readonly nowUs: () => number;
    readonly targets: readonly I2cTarget[];
  }) {
    this.#at = options.at;
    this.#nowUs = options.nowUs;
    this.#targets = options.targets.filter((target) => target.advance !== undefined);
  }

  /** Somebody has talked to a device, which may have begun something. */
  touched(target: I2cTarget): void {
    if (target.advance !== undefined && target.nextUs !== undefined) this.#arm(target);
  }

  /** The quantities that devices measure have changed. */
  worldMoved(nowUs: number): void {
    for (const target of this.#targets) {
      target.advance?.(nowUs);
      this.touched(target);
    }
  }

  powerOn(): void {
    for (const target of this.#targets) this.touched(target);
  }

  powerOff(): void {
    for (const { timer } of this.#due.values()) timer.cancel();
    this.#due.clear();
  }

  #arm(target: I2cTarget): void {
    const atUs = target.nextUs?.() ?? null;
    const due = this.#due.get(target);
    if (due?.atUs === atUs) return;
    due?.timer.cancel();
    this.#due.delete(target);
    if (atUs === null) return;
    // Never twice in one microsecond, whatever the device says.
    const timer = this.#at(Math.max(atUs, this.#nowUs() + 1), () => {
      this.#due.delete(target);
      target.advance?.(this.#nowUs());
      this.#arm(target);
    });
    this.#due.set(target, { atUs, timer });
  }
}
