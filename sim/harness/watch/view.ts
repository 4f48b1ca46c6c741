/** What `watch` shows of one device at one moment, as plain data. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";

export interface PinView {
  readonly pin: number;
  /** `GPIO17`, `3V3`, `GND`. */
  readonly name: string;
  readonly level: 0 | 1 | null;
  /** Null for supply pins and lines that nobody has claimed. */
  readonly direction: "in" | "out" | null;
  /** Model wired to it, or the bus it belongs to. */
  readonly wired: string | null;
}

export interface BusView {
  /** `i2c-1/0x44 sht31`. */
  readonly part: string;
  /** Words of the last transfer; null before the first. */
  readonly last: string | null;
  readonly atUs: number | null;
  readonly transfers: number;
  readonly errors: number;
}

export interface OutputView {
  readonly name: string;
  readonly uri: string;
  readonly value: 0 | 1 | null;
  readonly safe: Json;
  /** Newest refusal of a call that named it; null if there was none. */
  readonly refusal: { readonly reason: string; readonly atUs: number } | null;
}

export interface ReadingView {
  readonly input: string;
  readonly value: Json;
  readonly unit: string | null;
  readonly quality: string | null;
  readonly atUs: number;
}

export interface RunView {
  readonly program: string;
  readonly atUs: number;
  readonly state: string;
  readonly evidence: number;
  readonly effects: readonly string[];
}

export interface EvidenceView {
  readonly kind: string;
  readonly source: string;
  readonly id: string;
  readonly value: Json;
}

export interface LedgerView {
  readonly index: number;
  readonly kind: string;
  readonly text: string;
}

export interface DisplayView {
  readonly part: string;
  readonly lines: readonly string[];
}

export interface WatchView {
  readonly simulated: true;
  readonly scenario: string;
  readonly seed: string;
  readonly atUs: number;
  readonly endUs: number;
  readonly device: string;
  readonly devices: readonly string[];
  readonly board: string;
  readonly state: string;
  readonly boots: number;
  readonly policy: string;
  readonly link: JsonObject | null;
  readonly pins: readonly PinView[];
  readonly buses: readonly BusView[];
  readonly world: readonly { readonly name: string; readonly value: number }[];
  readonly outputs: readonly OutputView[];
  readonly readings: readonly ReadingView[];
  readonly run: RunView | null;
  readonly evidence: readonly EvidenceView[];
  readonly ledger: { readonly size: number; readonly last: readonly LedgerView[] };
  readonly displays: readonly DisplayView[];
  readonly faults: readonly string[];
  readonly violations: readonly string[];
}
