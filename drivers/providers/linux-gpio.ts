import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock, Timer } from "../../firmware/ports/clock.ts";
import type { Edge, GpioEdge, GpioLine, GpioRequest, Level } from "../../firmware/ports/hardware.ts";
import { Debouncer } from "../debouncer.ts";
import { hardwareError } from "./errno.ts";
import type { OnoffLine, OnoffModule } from "./native-modules.ts";

const levelOf = (value: number): Level => (value === 0 ? 0 : 1);

/** A line through the kernel's sysfs interface (onoff). Levels are electrical: active low is switched off. */
export class LinuxGpioLine implements GpioLine {
  readonly #line: OnoffLine;
  readonly #name: string;
  readonly #isOutput: boolean;
  readonly #clock: Clock;
  readonly #onRelease: () => void;
  readonly #listeners = new Set<(value: Level) => void>();
  readonly #watches = new Set<Disposable>();
  #watching = false;
  #failure: CodedError | null = null;
  #released = false;

  private constructor(line: OnoffLine, name: string, isOutput: boolean, clock: Clock, onRelease: () => void) {
    this.#line = line;
    this.#name = name;
    this.#isOutput = isOutput;
    this.#clock = clock;
    this.#onRelease = onRelease;
  }

  /**
   * Exports the line and sets direction and first level in one write. A line left exported by a daemon that died is
   * taken over; it must then obey, else somebody else holds it.
   * @throws CodedError `target_busy`, `io_error`.
   */
  static async open(options: {
    readonly onoff: OnoffModule;
    readonly globalLine: number;
    readonly name: string;
    readonly request: GpioRequest;
    readonly clock: Clock;
    readonly onRelease: () => void;
  }): Promise<LinuxGpioLine> {
    const { onoff, globalLine, name, request, clock, onRelease } = options;
    const isOutput = request.direction === "out";
    const direction = request.direction === "in" ? "in" : request.initial === 1 ? "high" : "low";
    let line: OnoffLine;
    try {
      line = new onoff.Gpio(globalLine, direction, isOutput ? "none" : "both", { activeLow: false });
    } catch (error) {
      throw hardwareError(error, name, false);
    }
    try {
      // onoff hides errors on lines that were exported before; the answer of the kernel does not.
      const obeys = line.direction() === (isOutput ? "out" : "in");
      const level = levelOf(await line.read());
      if (!obeys || (request.direction === "out" && level !== request.initial)) {
        throw new CodedError("target_busy", `${name} does not take its direction or level`, {
          status: 409,
          details: { target: name, touched: true },
        });
      }
    } catch (error) {
      line.unexport();
      throw hardwareError(error, name, true);
    }
    return new LinuxGpioLine(line, name, isOutput, clock, onRelease);
  }

  async read(): Promise<Level> {
    if (this.#failure) throw this.#failure;
    return await this.#call(async () => levelOf(await this.#line.read()));
  }

  async write(value: Level): Promise<void> {
    if (!this.#isOutput) throw this.#refuse("is an input");
    await this.#call(() => this.#line.write(value));
  }

  watch(edge: Edge, debounceMs: number, handler: (edge: GpioEdge) => void): Disposable {
    if (this.#released) throw this.#refuse("was released");
    let debouncer: Debouncer | null = null;
    let timer: Timer | null = null;
    const emit = (settled: { readonly at: number; readonly value: Level } | null): void => {
      if (!settled) return;
      const wanted = edge === "both" || (edge === "rising") === (settled.value === 1);
      if (wanted) handler({ value: settled.value, monoMs: settled.at });
    };
    const arm = (): void => {
      timer?.cancel();
      const dueAt = debouncer?.dueAt() ?? null;
      if (dueAt === null) return;
      timer = this.#clock.after(Math.max(0, dueAt - this.#clock.monoMs()), () => {
        emit(debouncer?.settle(this.#clock.monoMs()) ?? null);
        arm();
      });
    };
    const onRaw = (value: Level): void => {
      // The first edge tells the level before it: the other one.
      debouncer ??= new Debouncer(value === 1 ? 0 : 1, debounceMs);
      emit(debouncer.push({ at: this.#clock.monoMs(), value }));
      arm();
    };
    this.#listeners.add(onRaw);
    this.#startWatching();
    const watch: Disposable = {
      [Symbol.dispose]: () => {
        timer?.cancel();
        this.#listeners.delete(onRaw);
        this.#watches.delete(watch);
      },
    };
    this.#watches.add(watch);
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    for (const watch of this.#watches) watch[Symbol.dispose]();
    try {
      this.#line.unexport();
    } finally {
      this.#onRelease();
    }
  }

  #startWatching(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#line.watch((error, value) => {
      // The port has no channel for a broken watch: the next reading reports it.
      if (error) this.#failure = hardwareError(error, this.#name, true);
      else for (const listener of this.#listeners) listener(levelOf(value));
    });
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#released) throw this.#refuse("was released");
    try {
      return await work();
    } catch (error) {
      throw hardwareError(error, this.#name, true);
    }
  }

  #refuse(why: string): CodedError {
    const details = { target: this.#name, touched: false };
    return new CodedError("io_error", `${this.#name} ${why}`, { status: 500, details });
  }
}
