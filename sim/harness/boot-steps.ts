import type { CutPoint, Steps } from "../power/steps.ts";

/** Where a device is to lose its power: at a numbered step, or at the nth one with a label. */
export interface CutOrder {
  /** Absolute number of the step in the device's life, from 1. */
  readonly step?: number;
  /** Label of the step; a trailing `*` stands for any rest. With `nth`, counted from now. */
  readonly label?: string;
  readonly nth?: number;
  readonly point: CutPoint;
}

export interface StepSeen {
  readonly number: number;
  readonly label: string;
  readonly atUs: number;
}

export const labelMatches = (pattern: string, label: string): boolean =>
  pattern.endsWith("*") ? label.startsWith(pattern.slice(0, -1)) : label === pattern;

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** The steps of one device over all its boots: numbers them, lets others watch, and knows where the next cut is due. */
export class StepCounter {
  readonly #watchers = new Set<(step: StepSeen) => void>();
  readonly #nowUs: () => number;
  #count = 0;
  #order: CutOrder | null = null;
  #seen = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get count(): number {
    return this.#count;
  }

  cutAt(order: CutOrder | null): void {
    this.#order = order;
    this.#seen = 0;
  }

  onStep(watcher: (step: StepSeen) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  /** Counts one step. @returns where the cut strikes in it, null if it does not. */
  next(label: string): CutPoint | null {
    const number = ++this.#count;
    for (const watch of this.#watchers) watch({ number, label, atUs: this.#nowUs() });
    const order = this.#order;
    if (order === null) return null;
    if (order.step !== undefined && order.step !== number) return null;
    if (order.label !== undefined) {
      if (!labelMatches(order.label, label)) return null;
      if (++this.#seen < (order.nth ?? 1)) return null;
    }
    this.#order = null;
    return order.point;
  }
}

export interface BootStepsOptions {
  readonly counter: StepCounter;
  /** True while an event runs: only then may a device act. */
  readonly isInsideEvent: () => boolean;
  /** The cut has struck. Ends this boot before it returns. */
  readonly onCut: (label: string, point: CutPoint) => void;
  readonly onOutside: (label: string) => void;
}

/** The steps of one boot; after its end nothing of it settles any more. */
export class BootSteps implements Steps {
  readonly #options: BootStepsOptions;
  #alive = true;

  constructor(options: BootStepsOptions) {
    this.#options = options;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Power or process is gone. */
  end(): void {
    this.#alive = false;
  }

  async take<T>(label: string, work: () => T | Promise<T>, partly?: () => void): Promise<T> {
    if (!this.#alive) return never();
    const { counter, isInsideEvent, onCut, onOutside } = this.#options;
    if (!isInsideEvent()) onOutside(label);
    const point = counter.next(label);
    if (point === "before" || point === "during") {
      if (point === "during") partly?.();
      onCut(label, point);
      return never();
    }
    try {
      const result = await work();
      if (!this.#alive) return never();
      if (point === "after") {
        onCut(label, point);
        return never();
      }
      return result;
    } catch (error) {
      if (!this.#alive) return never();
      throw error;
    }
  }
}
