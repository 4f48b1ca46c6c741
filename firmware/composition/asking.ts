/**
 * Ask and continue (capabilities.md 8): what is missing is asked once, told with its remedy, looked for again and again;
 * when it appears, the triggers that waited run as new runs with fresh evidence. Other programs go on meanwhile.
 */
import type { AskChange, AskQuestion, Asks, WaitingTrigger } from "../capabilities/index.ts";
import { codeOf } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { ASK_LIMITS } from "../core/limits.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { Log } from "../ports/log.ts";
import type { RunRequest, RunResult } from "../runs/index.ts";
import type { Alerts } from "./alerts.ts";
import type { DeviceState } from "./state.ts";

const KEPT_TRIGGERS: ReadonlySet<string> = new Set(["command", "at", "boot"]);

export interface AskingParts {
  readonly asks: Asks;
  readonly state: DeviceState;
  readonly hardware: Hardware;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: Alerts;
  /** Starts a run again that has waited. */
  readonly start: (request: RunRequest) => void;
}

function eventOf({ ask }: AskChange): LedgerEvent {
  const found = ask.state === "available";
  return {
    kind: found ? "resource_available" : "resource_required",
    actor: `program:${ask.program}`,
    severity: found ? "info" : "warn",
    data: { resource: ask.about, program: ask.program, kind: ask.kind, count: ask.count },
  };
}

/** What a run waits for, if its end says so and its trigger is one that does not come again by itself. */
function waitingOf(
  result: RunResult,
  request: RunRequest,
  at: number,
): { readonly question: AskQuestion; readonly trigger: WaitingTrigger } | null {
  if (!result.ok || request.dry) return null;
  const { record, reply } = result.report;
  const { kind } = request.trigger;
  if (
    record.outcome.error?.code !== "resource_required" ||
    typeof kind !== "string" ||
    !KEPT_TRIGGERS.has(kind)
  )
    return null;
  const { resource } = reply.details;
  if (typeof resource !== "string") return null;
  const question: AskQuestion = {
    program: request.program,
    kind: "resource",
    about: resource,
    subject: record.subject,
    details: reply.details,
  };
  const payload: JsonObject = { trigger: request.trigger, payload: request.payload ?? {} };
  return { question, trigger: { triggerId: hashJson(payload).slice(0, 16), type: kind, payload, at } };
}

export class Asking implements Disposable {
  readonly #parts: AskingParts;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** The capability wrapper met something missing. */
  asked(question: AskQuestion): void {
    this.#apply([this.#parts.asks.raise(question)]);
  }

  /** A run ended: one that waits for a resource keeps its trigger. */
  ended(result: RunResult, request: RunRequest): void {
    const waiting = waitingOf(result, request, this.#parts.clock.wallMs());
    if (waiting) this.#apply([this.#parts.asks.raise(waiting.question, waiting.trigger)]);
  }

  /** Looks for what is missing every 5 s from now on. */
  start(): void {
    this.#timer = this.#parts.clock.after(ASK_LIMITS.probeMs, () => {
      void this.#look().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async #look(): Promise<void> {
    const { asks, hardware, log } = this.#parts;
    try {
      this.#apply([...(await asks.probe(hardware)), ...asks.expire()]);
    } catch (error) {
      log.error("ask_probe_failed", { code: codeOf(error) });
    }
  }

  #apply(changes: readonly AskChange[]): void {
    const { state, alerts, log, start } = this.#parts;
    for (const change of changes) {
      const { ask, ops, publish, resume } = change;
      const told = publish || ask.state === "available";
      if (publish)
        alerts.raise(
          ask.kind === "resource" ? "resource_required" : "consent_required",
          { program: ask.program, about: ask.about, ...ask.details },
          "warn",
        );
      void state.ledger
        .commit({ events: told ? [eventOf(change)] : [], ops })
        .catch((error: unknown) =>
          log.error("ledger_append_failed", { kind: "resource_required", code: codeOf(error) }),
        );
      for (const { trigger } of resume) {
        const { payload } = trigger;
        if (!isJsonObject(payload) || !isJsonObject(payload.trigger)) continue;
        start({
          program: ask.program,
          trigger: payload.trigger,
          ...(isJsonObject(payload.payload) ? { payload: payload.payload } : {}),
        });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
