import { Debouncer, type RawEdge } from "../../drivers/debouncer.ts";
import type { Timer } from "../../firmware/ports/clock.ts";
import type { Edge, GpioEdge, Level } from "../../firmware/ports/hardware.ts";
import type { Boot } from "./boot.ts";
import type { LineEvents } from "./line-events.ts";

export interface LineWatchOptions {
  readonly boot: Boot;
  readonly events: LineEvents;
  readonly initial: Level;
  readonly edge: Edge;
  readonly debounceMs: number;
  readonly handler: (edge: GpioEdge) => void;
  readonly onDelivered: (value: Level) => void;
}

/** Clocks in whole milliseconds differ from true time by up to this without having drifted. */
const CLOCK_STEP_MS = 1;

/** True time as the device's monotonic clock shows it; follows the drift, and does not jitter by the clock's step. */
class MonoTime {
  readonly #boot: Boot;
  #offsetMs: number;

  constructor(boot: Boot) {
    this.#boot = boot;
    this.#offsetMs = this.#measured();
  }

  at(atUs: number): number {
    const offsetMs = this.#measured();
    if (Math.abs(offsetMs - this.#offsetMs) > CLOCK_STEP_MS) this.#offsetMs = offsetMs;
    return atUs / 1000 + this.#offsetMs;
  }

  #measured(): number {
    return this.#boot.clock.monoMs() - this.#boot.nowUs() / 1000;
  }
}

/** Debounced edges of a line: a level counts when it has been stable for the time (simulator.md 3). */
export function watchLine(options: LineWatchOptions): Disposable {
  const { boot, events, edge, handler, onDelivered } = options;
  const mono = new MonoTime(boot);
  const debouncer = new Debouncer(options.initial, options.debounceMs * 1000);
  let timer: Timer | null = null;
  let isOver = false;
  const emit = (settled: RawEdge | null): void => {
    if (!settled || isOver) return;
    const isWanted = edge === "both" || (edge === "rising") === (settled.value === 1);
    if (!isWanted) return;
    onDelivered(settled.value);
    handler({ value: settled.value, monoMs: mono.at(settled.at) });
  };
  const arm = (): void => {
    timer?.cancel();
    const dueUs = debouncer.dueAt();
    if (dueUs === null || isOver) return;
    timer = boot.whenRunning(dueUs, () => {
      // Edges of before that are still on their way decide whether the level was stable.
      events.flush(dueUs - 1);
      emit(debouncer.settle(dueUs));
      arm();
    });
  };
  const listening = events.listen((raw) => {
    emit(debouncer.push(raw));
    emit(debouncer.settle(raw.at));
    arm();
  });
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      timer?.cancel();
      listening[Symbol.dispose]();
    },
  };
}
