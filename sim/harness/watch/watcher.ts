/** Follows one device of a simulation: what its buses carried, what its runs read, did and were refused. */
import type { DeviceEvents } from "../../../firmware/composition/device-events.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import type { TraceRecord } from "../../trace/trace.ts";
import type { Member, Sim } from "../sim.ts";
import type { OutputView, ReadingView, RunView } from "./view.ts";

/** What a part's bus has carried. */
export interface Transfers {
  last: string | null;
  atUs: number | null;
  count: number;
  errors: number;
}

const hex2 = (value: Json | undefined): string => `0x${Number(value).toString(16).padStart(2, "0")}`;

/** Which part a record of a transfer belongs to, as scenarios name it; null for other records. */
function targetOf(kind: string, data: JsonObject): string | null {
  if (kind === "i2c") return `i2c-${String(data.bus)}/${hex2(data.address)}`;
  if (kind === "spi") return `spi-${String(data.device)}`;
  return kind === "serial" ? `serial-${String(data.port)}` : null;
}

const words = ({ write, read, error, tx, rx, data }: JsonObject): string =>
  [
    ...[write, tx].flatMap((bytes) => (typeof bytes === "string" && bytes !== "" ? [`> ${bytes}`] : [])),
    ...[read, rx, data].flatMap((bytes) => (typeof bytes === "string" && bytes !== "" ? [`< ${bytes}`] : [])),
    ...(typeof error === "string" ? [error] : []),
  ].join(" ");

export class Watcher {
  readonly member: Member;
  readonly transfers = new Map<string, Transfers>();
  readonly readings = new Map<string, ReadingView>();
  readonly refusals = new Map<string, NonNullable<OutputView["refusal"]>>();
  /** Faults that have struck, the newest last. */
  readonly faults: string[] = [];
  run: RunView | null = null;
  /** Id of the newest run. */
  runId: string | null = null;
  readonly #sim: Sim;
  readonly #following: Disposable;

  constructor(sim: Sim, name: string) {
    this.#sim = sim;
    this.member = sim.member(name);
    this.#following = sim.trace.onRecord((record) => this.#see(record));
    this.#follow();
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  #see({ actor, kind, data }: TraceRecord): void {
    if (actor === "sim" && kind === "fault" && data !== undefined && isJsonObject(data)) this.#note(data);
    if (actor !== this.member.device.name) return;
    if (kind === "started") this.#follow();
    if (data === undefined || !isJsonObject(data)) return;
    const target = targetOf(kind, data);
    if (target === null) return;
    const known = this.transfers.get(target) ?? { last: null, atUs: null, count: 0, errors: 0 };
    this.transfers.set(target, {
      last: words(data),
      atUs: this.#sim.time.nowUs,
      count: known.count + 1,
      errors: known.errors + (data.error === undefined ? 0 : 1),
    });
  }

  #note({ fault }: JsonObject): void {
    this.faults.push(`${String(fault)} at ${Math.floor(this.#sim.time.nowUs / 1e6)} s`);
    if (this.faults.length > KEPT_FAULTS) this.faults.shift();
  }

  /** Hears the daemon of the present life. */
  #follow(): void {
    const daemon = this.member.device.boot?.device;
    daemon?.parts.events.on("watch", "run", (event) => this.#ran(event));
  }

  #ran({ result, request }: DeviceEvents["run"]): void {
    const atUs = this.#sim.time.nowUs;
    this.runId = result.runId;
    if (!result.ok) {
      this.run = { program: request.program, atUs, state: result.reason, evidence: 0, effects: [] };
      return;
    }
    const { record, calls } = result.report;
    const effects: string[] = [];
    for (const { capability, args, output, result: answer } of calls.calls) {
      if (output !== null && !answer.ok) this.refusals.set(output, { reason: answer.reason, atUs });
      if (output !== null && answer.ok) effects.push(`${capability} ${output}`);
      const input = isJsonObject(args) ? args.input : undefined;
      if (typeof input !== "string") continue;
      const read = answer.ok && isJsonObject(answer.result) ? answer.result : null;
      this.readings.set(input, {
        input,
        value: read?.value ?? null,
        unit: typeof read?.unit === "string" ? read.unit : null,
        quality: answer.ok ? (typeof read?.quality === "string" ? read.quality : null) : answer.reason,
        atUs,
      });
    }
    const { length: evidence } = record.evidence;
    this.run = { program: record.program.name, atUs, state: record.state, evidence, effects };
  }
}

const KEPT_FAULTS = 4;
