/** Binds the triggers that documents declare to schedules, GPIO edges and the boot. Commands come through the fleet link. */
import { type ChannelDirectory, parseUri, type Scheduler } from "../capabilities/index.ts";
import { codeOf, messageOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { RUN_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { GpioLine, Hardware } from "../ports/hardware.ts";
import type { Log } from "../ports/log.ts";
import type { StoreOp } from "../ports/store.ts";
import type { TriggerDeclaration } from "../vm/types.ts";
import type { ReleaseSet } from "./program-set.ts";
import type { RunService } from "./run-service.ts";

export interface TriggersOptions {
  readonly runs: RunService;
  readonly scheduler: Scheduler;
  readonly hardware: Hardware;
  readonly channels: ChannelDirectory;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes a change of the schedules durable that no run carries. */
  readonly commit: (ops: readonly StoreOp[]) => Promise<void>;
  /** A trigger that this version does not serve: its program runs by command only, and somebody must know. */
  readonly onUnsupported: (program: string, on: string) => void;
}

type GpioTrigger = Extract<TriggerDeclaration, { on: "gpio" }>;

const UNSUPPORTED: ReadonlySet<string> = new Set(["cron", "mqtt", "signal", "queue"]);

export class Triggers implements AsyncDisposable {
  readonly #options: TriggersOptions;
  readonly #lines: GpioLine[] = [];
  readonly #watches: Disposable[] = [];
  #stopped = new AbortController();

  constructor(options: TriggersOptions) {
    this.#options = options;
  }

  /** Arms everything that the programs of a set declare; `bootTriggers` only at the start of the daemon. */
  async arm(set: ReleaseSet, options: { readonly boot: boolean }): Promise<void> {
    const { scheduler, runs, clock } = this.#options;
    const names = [...set.programs.keys()];
    const wanted = new Map<string, { program: string; trigger: TriggerDeclaration }>();
    for (const [program, { document }] of set.programs) {
      for (const [index, trigger] of (document.triggers ?? []).entries())
        wanted.set(`${program}/${index}`, { program, trigger });
    }
    const ops: StoreOp[] = [];
    for (const { scheduleId } of scheduler.list) {
      if (wanted.has(scheduleId)) continue;
      const removed = scheduler.remove(scheduleId);
      if (removed.ok) ops.push(...removed.ops);
    }
    for (const [id, { program, trigger }] of wanted) {
      if (trigger.on === "interval" || trigger.on === "at")
        ops.push(...this.#schedule(id, program, trigger, names));
      if (UNSUPPORTED.has(trigger.on)) this.#options.onUnsupported(program, trigger.on);
      if (trigger.on === "gpio") void this.#watch(set, program, trigger, this.#stopped.signal);
      if (trigger.on === "boot" && options.boot)
        void runs.start({ program, trigger: { kind: "boot", bootId: clock.bootId } });
    }
    if (ops.length > 0) await this.#options.commit(ops);
    scheduler.start((due) => {
      for (const { schedule, fires, ops: changes } of due) {
        if (!fires) {
          void this.#options
            .commit(changes)
            .catch((error) => this.#failed("schedule", schedule.program, error));
          continue;
        }
        const trigger = { kind: schedule.mode, dueAt: Math.floor(schedule.nextAt) };
        void runs.start({ program: schedule.program, trigger, ops: changes });
      }
    });
  }

  #schedule(
    id: string,
    program: string,
    trigger: Extract<TriggerDeclaration, { on: "interval" | "at" }>,
    names: readonly string[],
  ): readonly StoreOp[] {
    const { scheduler, log } = this.#options;
    const known = scheduler.list.find(({ scheduleId }) => scheduleId === id);
    const same =
      known?.program === program &&
      known.mode === trigger.on &&
      (trigger.on === "at" || known.everyMs === trigger.everyMs);
    if (same) return [];
    const request =
      trigger.on === "interval"
        ? { program, mode: "interval" as const, everyMs: trigger.everyMs }
        : { program, mode: "at" as const, atMs: trigger.atMs };
    const created = scheduler.create(id, request, names);
    if (created.ok) return created.ops;
    log.warn("schedule_refused", { program, code: created.code });
    return [];
  }

  /** A line that cannot be watched yet is tried again: other programs go on meanwhile. */
  async #watch(set: ReleaseSet, program: string, trigger: GpioTrigger, signal: AbortSignal): Promise<void> {
    const { hardware, channels, clock, runs } = this.#options;
    const uri = set.policy.bindings.find(({ name }) => name === trigger.line)?.uri ?? trigger.line;
    const address = parseUri(uri);
    if (address?.scheme !== "gpio")
      return this.#failed("gpio_trigger", program, new Error(`${trigger.line} is no GPIO line`));
    const { chip, line: offset } = address;
    const channel = channels.gpio(chip, offset);
    while (!signal.aborted) {
      try {
        const line = await hardware.gpio({
          chip,
          line: offset,
          direction: "in",
          bias: channel?.bias ?? "none",
        });
        if (signal.aborted) return await line[Symbol.asyncDispose]();
        this.#lines.push(line);
        const invert = channel?.activeLow ?? false;
        const edge =
          invert && trigger.edge !== "both"
            ? trigger.edge === "rising"
              ? "falling"
              : "rising"
            : trigger.edge;
        this.#watches.push(
          line.watch(edge, trigger.debounceMs ?? 0, ({ value }) => {
            const level = invert ? 1 - value : value;
            const cause: JsonObject = {
              kind: "gpio",
              line: trigger.line,
              edge: level === 1 ? "rising" : "falling",
              value: level,
              at: clock.wallMs(),
            };
            void runs.start({ program, trigger: cause });
          }),
        );
        return;
      } catch (error) {
        this.#failed("gpio_trigger", program, error);
        await clock.sleep(RUN_LIMITS.triggerRetryMs, signal).catch(() => undefined);
      }
    }
  }

  #failed(what: string, program: string, error: unknown): void {
    this.#options.log.warn(`${what}_unavailable`, { program, code: codeOf(error), error: messageOf(error) });
  }

  /** Nothing starts a run any more; `arm` begins again. */
  async disarm(): Promise<void> {
    this.#stopped.abort();
    this.#stopped = new AbortController();
    this.#options.scheduler[Symbol.dispose]();
    for (const watch of this.#watches.splice(0)) watch[Symbol.dispose]();
    for (const line of this.#lines.splice(0)) await line[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disarm();
  }
}
