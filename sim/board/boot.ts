import type { Json } from "../../firmware/core/json.ts";
import type { Clock, Timer } from "../../firmware/ports/clock.ts";
import { type Steps, UNCUT } from "../power/steps.ts";

export type RecordTrace = (kind: string, data?: Json) => void;
/** Calls once at a true time, at once if that is past. */
export type Schedule = (atUs: number, run: () => void) => Timer;

export interface BootOptions {
  readonly clock: Clock;
  /** True microseconds; also brings the world up to it. */
  readonly nowUs: () => number;
  /** Default: the device's own clock. */
  readonly at?: Schedule;
  readonly steps?: Steps;
  readonly record?: RecordTrace | undefined;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/**
 * What the buses and lines of one life of a process share: its steps, true time, and whether it is still alive. After
 * its end none of its promises settles and nothing of it changes the world.
 */
export class Boot {
  readonly clock: Clock;
  readonly steps: Steps;
  readonly record: RecordTrace | null;
  readonly nowUs: () => number;
  readonly #at: Schedule | null;
  #isEnded = false;
  #frozenUntilUs = 0;

  constructor(options: BootOptions) {
    this.clock = options.clock;
    this.nowUs = options.nowUs;
    this.steps = options.steps ?? UNCUT;
    this.record = options.record ?? null;
    this.#at = options.at ?? null;
  }

  get alive(): boolean {
    return !this.#isEnded && this.steps.alive;
  }

  /** While true time is before it, the process does not run; the kernel and the hardware do. */
  get frozenUntilUs(): number {
    return this.#frozenUntilUs;
  }

  freeze(untilUs: number): void {
    this.#frozenUntilUs = Math.max(this.#frozenUntilUs, untilUs);
  }

  /** @returns false if it had ended already. */
  end(): boolean {
    const isFirst = !this.#isEnded;
    this.#isEnded = true;
    return isFirst;
  }

  async take<T>(label: string, work: () => T | Promise<T>, partly?: () => void): Promise<T> {
    if (this.#isEnded) return never();
    try {
      const result = await this.steps.take(label, work, partly);
      return this.#isEnded ? never() : result;
    } catch (error) {
      if (this.#isEnded) return never();
      throw error;
    }
  }

  at(atUs: number, run: () => void): Timer {
    const guarded = (): void => {
      if (!this.#isEnded) run();
    };
    if (this.#at) return this.#at(atUs, guarded);
    return this.clock.after(Math.max(0, atUs - this.nowUs()) / 1000, guarded);
  }

  /** As `at`, for what the process does: it waits while the process is frozen. */
  whenRunning(atUs: number, run: () => void): Timer {
    let timer: Timer;
    const arm = (dueUs: number): void => {
      timer = this.at(dueUs, () => {
        if (this.#frozenUntilUs > dueUs && this.#frozenUntilUs > this.nowUs()) arm(this.#frozenUntilUs);
        else run();
      });
    };
    arm(atUs);
    const cancel = () => timer.cancel();
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Time on a bus: one event, and never again if the boot ends meanwhile. */
  wait(us: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.nowUs() + us, resolve);
    });
  }

  /** What the hardware has done reaches the process when it runs again. */
  async seen<T>(result: T): Promise<T> {
    if (this.#frozenUntilUs > 0) {
      const leftUs = this.#frozenUntilUs - this.nowUs();
      if (leftUs > 0) await this.wait(leftUs);
    }
    return this.alive ? result : never();
  }
}
