/** Tells in human words what a device does: for people at a terminal, never for machines. */

import type { OtaNotice } from "../../ota/index.ts";
import type { EventBus } from "../core/event-bus.ts";
import type { JsonObject } from "../core/json.ts";
import { isJsonObject } from "../core/json.ts";
import type { NotedCall, RunRequest, RunResult } from "../runs/index.ts";
import type { Alert } from "./alerts.ts";
import type { DeviceEvents } from "./device-events.ts";

const WORDS: Readonly<Record<string, readonly [off: string, on: string]>> = {
  fan: ["fan OFF", "fan ON"],
  pump: ["pump OFF", "pump ON"],
};

function effectWords({ capability, output, args, result }: NotedCall): string | null {
  if (output === null) return null;
  const named = WORDS[output];
  const value = isJsonObject(args) && args.value === 1 ? 1 : 0;
  const what =
    capability === "gpio.write" ? (named?.[value] ?? `${output} = ${value}`) : `${output} published`;
  if (result.ok) {
    const before = isJsonObject(result.result) ? result.result.previous : undefined;
    return capability === "gpio.write" && before === value ? null : what;
  }
  const safe =
    result.safeState === undefined ? "" : `; safe state ${JSON.stringify(safeOf(result.safeState))}`;
  return `REFUSED to switch ${what}: ${result.reason}${safe}`;
}

const safeOf = (state: unknown): unknown =>
  isJsonObject(state as JsonObject) ? ((state as JsonObject).safe ?? state) : state;

function readings(calls: readonly NotedCall[]): string {
  const parts = calls.flatMap(({ capability, args, result }) => {
    if (!result.ok || !isJsonObject(result.result) || !isJsonObject(args)) return [];
    const { value, unit } = result.result;
    if (capability === "sensor.read" && typeof value === "number")
      return [`${String(args.input)} ${value.toFixed(1)} ${unit === "Cel" ? "°C" : String(unit ?? "")}`];
    if (capability === "gpio.read") return [`${String(args.input)} ${value === 1 ? "open" : "closed"}`];
    return [];
  });
  return parts.join(", ");
}

/** Why a run has nothing to show: the first call that failed. */
function firstFailure(calls: readonly NotedCall[]): string | null {
  const failed = calls.find(({ result }) => !result.ok);
  return failed && !failed.result.ok ? `${failed.capability} failed: ${failed.result.reason}` : null;
}

export interface NarratorOptions {
  readonly write: (line: string) => void;
  /** Seconds since the start, for the left margin. */
  readonly elapsedMs: () => number;
  /** A run that changed nothing is told at most this often per program. */
  readonly quietMs: number;
}

export class Narrator {
  readonly #options: NarratorOptions;
  readonly #toldAt = new Map<string, number>();

  constructor(options: NarratorOptions) {
    this.#options = options;
  }

  /** Tells everything that happens on a device from now on. */
  follow(events: EventBus<DeviceEvents>): void {
    events.on("narrator", "run", ({ result, request }) => this.#run(result, request));
    events.on("narrator", "alert", (alert) => this.#alert(alert));
    events.on("narrator", "safe", ({ driven, reason }) => this.#safe(driven, reason));
    events.on("narrator", "update", (notice) => this.#update(notice));
  }

  say(line: string): void {
    const seconds = (this.#options.elapsedMs() / 1000).toFixed(1).padStart(7);
    this.#options.write(`${seconds} s  ${line}\n`);
  }

  #run(result: RunResult, request: RunRequest): void {
    if (!result.ok) {
      this.say(`${request.program}: not run, ${result.reason}`);
      return;
    }
    const { record, reply, entry, calls } = result.report;
    const effects = calls.calls.flatMap((call) => effectWords(call) ?? []);
    const physical = effects.filter((line) => !line.endsWith("published"));
    const failed = record.state === "failed" || record.state === "cut" || !reply.ok;
    const now = this.#options.elapsedMs();
    const quiet =
      physical.length === 0 &&
      !failed &&
      now - (this.#toldAt.get(request.program) ?? Number.NEGATIVE_INFINITY) < this.#options.quietMs;
    if (quiet && request.trigger.kind === "interval") return;
    this.#toldAt.set(request.program, now);
    const seen = readings(calls.calls) || firstFailure(calls.calls) || "nothing read";
    const did = effects.length > 0 ? effects.join(", ") : "nothing to change";
    const outcome = failed ? ` [${record.state}: ${reply.reason ?? ""}]` : "";
    const proof = `${record.evidence.length} evidence, ledger #${entry?.index ?? "-"} ${entry?.hash.slice(0, 8) ?? ""}`;
    this.say(`${request.program}: ${seen} → ${did}${outcome}  (${proof})`);
  }

  #alert(alert: Alert): void {
    const what = alert.details.resource ?? alert.details.about ?? alert.details.program ?? "";
    const howTo = typeof alert.details.howTo === "string" ? `: ${alert.details.howTo}` : "";
    this.say(`ALERT ${alert.code} ${String(what)}${howTo}`);
  }

  #safe(driven: readonly JsonObject[], reason: string): void {
    const words = driven.map(
      ({ output, safe, driven: how }) =>
        `${String(output)} ${how === true ? `→ ${JSON.stringify(safe)}` : how === false ? "FAILED" : "held"}`,
    );
    if (words.length > 0) this.say(`safe states (${reason}): ${words.join(", ")}`);
  }

  #update({ releaseId, state, reason, to }: OtaNotice): void {
    this.say(
      `update ${releaseId}: ${state}${reason ? ` (${reason})` : ""}${to ? ` → ${to.slice(0, 12)}` : ""}`,
    );
  }
}
