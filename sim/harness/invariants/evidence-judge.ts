/**
 * Whether the recorded evidence of a run justifies an effect: the rules of evidence.md 3 to 8 applied anew to the rows on
 * disk, with the reads that the hardware really answered. The product's guard has no part in it.
 */
import { hashJson } from "../../../firmware/core/hash.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { Evidence, EvidenceBody } from "../../../firmware/evidence/types.ts";
import { LOCAL_COMMAND } from "./facts.ts";
import type { BusRead } from "./invariant.ts";
import { firstPast } from "./line-history.ts";
import type { Demand } from "./policy-view.ts";
import { TICK_US, type Timeline } from "./timeline.ts";

type Row = readonly [cls: string, maxTtlMs: number, decayPerDay: number];
const rows = (names: string, ...row: Row): readonly (readonly [string, Row])[] =>
  names.split(" ").map((name) => [name, row]);

/** Kinds that can count, with class and freshness profile (evidence.md 3, 5). Everything else never counts. */
const KINDS: ReadonlyMap<string, Row> = new Map([
  ...rows(
    "gpio_read gpio_edge i2c_read spi_read serial_read sensor_reading clock_read",
    "observation",
    600_000,
    0.3,
  ),
  ...rows("mqtt_message peer_claim", "observation", 10_800_000, 0.3),
  ...rows("official_verified operator_command", "attested", 86_400_000, 0.18),
  ...rows("ota_target", "attested", 2_592_000_000, 0.04),
  ...rows("vm_trace", "derived", 2_592_000_000, 0.04),
  ...rows("kv_read", "derived", 259_200_000, 0.12),
  ...rows("resolution_proof aggregate", "derived", 43_200_000, 0.2),
  ...rows("schedule_tick boot event", "trigger", 600_000, 0.3),
  ...rows("gpio_write i2c_write spi_write serial_write mqtt_publish respond", "effect", 600_000, 0.3),
]);

/** Factory rules of evidence.md 4. */
const SOURCE_TRUST: Readonly<Record<string, number>> = {
  gpio: 0.95,
  i2c: 0.95,
  spi: 0.95,
  serial: 0.9,
  local: 0.95,
  vm: 0.98,
  ota: 0.98,
  official: 0.98,
  operator: 0.98,
  peer: 0.8,
  mqtt: 0.6,
};
const WITNESS_PARTS: Readonly<Record<string, number>> = { gpio: 1, i2c: 1, local: 1, mqtt: 1000 };
const UNKNOWN_TRUST = 0.5;
const MAX_SKEW_MS = 2000;
const SIGNATURE_FRESH_MS = 60_000;
const DAY_MS = 86_400_000;
const HARDWARE = new Set(["gpio", "i2c", "spi", "serial"]);

interface Source {
  readonly scheme: string;
  /** Authority and path. */
  readonly parts: readonly string[];
}

/** What a source names behind its `sim://` mark. */
function sourceOf(source: string): Source {
  const [scheme = "", rest = ""] = source.split("://");
  const parts = rest.split("/");
  return scheme === "sim" ? { scheme: parts[0] ?? "", parts: parts.slice(1) } : { scheme, parts };
}

/** What counts as one witness (evidence.md 4). */
function originOf(source: string): string {
  const { scheme, parts } = sourceOf(source);
  return `${scheme}://${parts.slice(0, 1 + (WITNESS_PARTS[scheme] ?? 0)).join("/")}`;
}

/** The path of `BusRead` that a hardware source is read on; null for other sources. */
function busOf(source: string): string | null {
  const { scheme, parts } = sourceOf(source);
  if (!HARDWARE.has(scheme)) return null;
  const [first = "", second = ""] = parts;
  return scheme === "gpio" || scheme === "i2c" ? `${scheme}/${first}/${second}` : `${scheme}/${first}`;
}

/** Answered reads by path, for asking whether a reading was made at all. */
export class ReadLog {
  readonly #byPath = new Map<string, number[]>();

  constructor(reads: readonly BusRead[]) {
    for (const { path, atUs } of reads) {
      const known = this.#byPath.get(path);
      if (known) known.push(atUs);
      else this.#byPath.set(path, [atUs]);
    }
  }

  isReadWithin(path: string, fromUs: number, toUs: number): boolean {
    const times = this.#byPath.get(path) ?? [];
    const next = times[firstPast(times, (atUs) => atUs >= fromUs)];
    return next !== undefined && next <= toUs;
  }

  /** Whether anything at all was read in a span. */
  isAnyReadWithin(fromUs: number, toUs: number): boolean {
    return [...this.#byPath.keys()].some((path) => this.isReadWithin(path, fromUs, toUs));
  }
}

export interface Judgement {
  readonly ok: boolean;
  /** Why the evidence does not do, for people. */
  readonly why: string;
  readonly details: JsonObject;
}

export interface JudgeQuestion {
  readonly rows: readonly Evidence[];
  /** The decision that let the effect pass: only what was recorded before it counts. */
  readonly decision: Evidence;
  readonly demand: Demand;
  readonly runId: string;
  readonly subject: string;
  readonly deviceId: string;
  readonly reads: ReadLog;
  readonly timeline: Timeline;
  /** Command ids that somebody has really sent to this device. */
  readonly sentCommands: ReadonlySet<string>;
}

const ageOf = (row: EvidenceBody, at: EvidenceBody): number =>
  row.bootId === at.bootId ? at.monoMs - row.monoMs : at.ts - row.ts;

function accepted(kind: string, { accept, requiredKinds }: Demand): boolean {
  const cls = KINDS.get(kind)?.[0];
  if (cls === undefined) return false;
  if (requiredKinds.includes(kind)) return true;
  return cls !== "trigger" && cls !== "effect" && accept.includes(cls);
}

function isFresh(body: EvidenceBody, ageMs: number, demand: Demand): boolean {
  const [, maxTtlMs] = KINDS.get(body.kind) ?? ["", 0, 0];
  const level = demand.minLevel >= 3 ? SIGNATURE_FRESH_MS : Number.POSITIVE_INFINITY;
  return ageMs >= -MAX_SKEW_MS && ageMs <= Math.min(body.ttlMs, maxTtlMs, demand.maxAgeMs, level);
}

function trustAt(body: EvidenceBody, ageMs: number, demand: Demand): number {
  const [, , decay] = KINDS.get(body.kind) ?? ["", 0, 1];
  const source = SOURCE_TRUST[sourceOf(body.source).scheme] ?? UNKNOWN_TRUST;
  const perDay = Math.max(decay, demand.decayPerDay);
  return Math.min(body.trust, source) - Math.min(0.99, (Math.max(0, ageMs) / DAY_MS) * perDay);
}

/** Whether what a record says can have happened: the bus was read in this run, the command was sent. */
function isGrounded({ body }: Evidence, question: JudgeQuestion): boolean {
  const { timeline, reads, rows, sentCommands } = question;
  if (body.kind === "operator_command") {
    const id = (body.payload as JsonObject | undefined)?.commandId;
    return typeof id !== "string" || id === LOCAL_COMMAND || sentCommands.has(id);
  }
  const path = busOf(body.source);
  const first = rows[0]?.body;
  if (path === null || first === undefined || KINDS.get(body.kind)?.[0] !== "observation") return true;
  const begunUs = timeline.ofMono(first.bootId, first.monoMs);
  const recordedUs = timeline.ofMono(body.bootId, body.monoMs);
  if (begunUs === null || recordedUs === null) return false;
  return reads.isReadWithin(path, begunUs - TICK_US, recordedUs + TICK_US);
}

interface Count {
  readonly valid: readonly Evidence[];
  readonly foreign: number;
  readonly old: number;
  readonly weak: number;
  readonly unread: number;
  readonly altered: number;
}

function count(question: JudgeQuestion): Count {
  const { rows, decision, demand, runId, subject, deviceId } = question;
  const valid: Evidence[] = [];
  const counts = { foreign: 0, old: 0, weak: 0, unread: 0, altered: 0 };
  for (const row of rows) {
    const { body, id } = row;
    if (body.seq >= decision.body.seq || !accepted(body.kind, demand)) continue;
    const ageMs = ageOf(body, decision.body);
    if (body.runId !== runId || body.subject !== subject || body.deviceId !== deviceId) counts.foreign++;
    else if (hashJson(body) !== id) counts.altered++;
    else if (!isFresh(body, ageMs, demand)) counts.old++;
    else if (trustAt(body, ageMs, demand) + 1e-9 < demand.minTrust) counts.weak++;
    else if (!isGrounded(row, question)) counts.unread++;
    else valid.push(row);
  }
  return { valid, ...counts };
}

/** First reason why the evidence before a decision does not justify it (evidence.md 8). */
export function judgeEvidence(question: JudgeQuestion): Judgement {
  const { demand } = question;
  const { valid, ...rejected } = count(question);
  const details = { valid: valid.length, ...rejected };
  const no = (why: string): Judgement => ({ ok: false, why, details });
  if (demand.required && valid.length === 0) return no("no valid evidence of this run");
  if (valid.length < demand.minCount) return no(`fewer than ${demand.minCount} valid records`);
  const kinds = new Set(valid.map(({ body }) => body.kind));
  const missing = demand.requiredKinds.find((kind) => !kinds.has(kind));
  if (missing !== undefined) return no(`no valid evidence of the required kind ${missing}`);
  const { minKinds } = demand;
  if (minKinds !== null && minKinds.kinds.filter((kind) => kinds.has(kind)).length < minKinds.min)
    return no("too few of the demanded kinds");
  const origins = new Set(valid.map(({ body }) => originOf(body.source)));
  if (origins.size < demand.minSources) return no(`fewer than ${demand.minSources} sources`);
  return { ok: true, why: "", details };
}
