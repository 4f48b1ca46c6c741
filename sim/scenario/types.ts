/** A scenario after reading: every default is filled in, every duration is in µs, every name is checked. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { WorldConfig } from "../world/world-config.ts";
import type { AttackAct, DeedAct, FaultAct } from "./acts.ts";
import type { Expression } from "./expression.ts";
import type { ScenarioWarning } from "./scenario-error.ts";

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** File it was read from; paths inside it are relative to its folder. */
  readonly file: string;
  readonly seeds: readonly string[];
  readonly durationUs: number;
  readonly order: "fifo" | "random";
  readonly fleet: FleetPlan;
  readonly broker: BrokerPlan;
  readonly groups: readonly DeviceGroup[];
  readonly world: WorldConfig;
  /** Nodes of which each device of a group has its own: node name → prefix of the group. */
  readonly each: ReadonlyMap<string, string>;
  readonly link: LinkPlan;
  readonly adversaries: readonly Adversary[];
  readonly timeline: readonly TimelineEntry[];
  readonly expect: readonly Expectation[];
  readonly bounds: Bounds;
  readonly warnings: readonly ScenarioWarning[];
  /** The document as it was written, for variation and shrinking. */
  readonly document: JsonObject;
}

export interface FleetPlan {
  readonly id: string;
  readonly operators: readonly { readonly id: string; readonly scopes: readonly string[] }[];
}

export interface BrokerPlan {
  readonly version: 4 | 5;
  /** Loses sessions and retained messages when it restarts. */
  readonly volatile: boolean;
  readonly packetBytes: number | null;
  readonly queueMessages: number | null;
  readonly connectionsPerS: number | null;
}

/** simulator.md 7. */
export interface LinkPlan {
  readonly mode: "faithful" | "hostile";
  readonly minUs: number;
  readonly spreadUs: number;
  readonly tailP: number;
  readonly tailUs: number;
  readonly loss: number;
  readonly duplicate: number;
  /** Probability that a message costs the connection. */
  readonly resetP: number;
  readonly bytesPerS: number | null;
}

/** Path from the scenario's folder, or the document itself. */
export type DocumentSource = string | JsonObject;

/** Devices that differ in their id, key and oscillator only. */
export interface DeviceGroup {
  readonly prefix: string;
  readonly ids: readonly string[];
  /** Id of a board definition. */
  readonly board: string;
  readonly policy: DocumentSource;
  readonly programs: readonly DocumentSource[];
  /** Rows of imud.yaml: as written, else from the wiring. */
  readonly sensors: readonly SensorRow[];
  readonly lines: readonly LineRow[];
  /** Other members of imud.yaml, as written. */
  readonly config: JsonObject;
  /** Null: drawn. */
  readonly ppm: number | null;
  readonly rtc: boolean;
  readonly cpuFactor: number;
  readonly wiring: readonly Wire[];
}

export interface SensorRow {
  readonly uri: string;
  readonly driver: "bme280" | "sht31" | "ads1115" | "mcp3008" | "nmea" | "switch";
  readonly quantity?: string;
  readonly unit?: string;
  readonly scale?: number;
  readonly offset?: number;
  readonly min?: number;
  readonly max?: number;
  readonly maxStepPerS?: number;
  readonly frozenAfterMs?: number;
  readonly vref?: number;
  readonly baudRate?: number;
  readonly activeLow?: boolean;
  readonly bias?: "none" | "pull-up" | "pull-down";
}

export interface LineRow {
  readonly uri: string;
  readonly activeLow?: boolean;
  readonly bias?: "none" | "pull-up" | "pull-down";
  readonly debounceMs?: number;
}

/** Where on its board a part is connected. */
export type Place =
  | { readonly bus: "gpio"; readonly line: number }
  | { readonly bus: "i2c"; readonly number: number; readonly address: number }
  /** `<bus>.<chipSelect>`. */
  | { readonly bus: "spi"; readonly select: string }
  /** `address` tells several parts on one port apart; null for a part that has it for itself. */
  | { readonly bus: "serial"; readonly port: string; readonly address: number | null };

/** One part of a device and what it is connected to. */
export interface Wire {
  /** Name in the table of models. */
  readonly model: string;
  readonly place: Place;
  /** How faults name it: `i2c-1/0x44`, `spi-0.0`, `serial-ttyAMA0`, `gpio-17`. */
  readonly target: string;
  /** Connected quantities by the model's names; others have the model's fallback. */
  readonly reads: Readonly<Record<string, ReadWire>>;
  readonly drives: DriveWire | null;
  readonly activeLow: boolean;
  /** Level of the load that does no harm, checked by the invariants; null if nothing is said. */
  readonly safe: 0 | 1 | null;
  readonly loadMa: number;
  readonly options: Readonly<Record<string, number | string | boolean>>;
}

export interface ReadWire {
  /** A quantity as written; `worldName` finds the one of a device. */
  readonly of: string;
  readonly gain: number;
  readonly offset: number;
  readonly delayUs: number;
  /** Sigma in the unit of the part. */
  readonly noise: number;
}

export interface DriveWire {
  readonly of: string;
  readonly gain: number;
  readonly delayUs: number;
}

export interface Adversary {
  readonly id: string;
  /** `own`, `none`, `device:<id>` or `operator:<id>`. */
  readonly key: string;
  readonly script: readonly { readonly when: Occasion; readonly act: AttackAct }[];
}

export type Occasion =
  | { readonly kind: "at"; readonly atUs: number }
  /** At `fromUs` and then every so often, not after `untilUs`. */
  | { readonly kind: "every"; readonly everyUs: number; readonly fromUs: number; readonly untilUs: number }
  /** Each time it becomes true between the two. */
  | {
      readonly kind: "when";
      readonly condition: Expression;
      readonly fromUs: number;
      readonly untilUs: number;
    };

export interface TimelineEntry {
  /** Position in the file. */
  readonly index: number;
  readonly when: Occasion;
  readonly act: FaultAct | DeedAct;
}

/** What must hold besides the invariants; `text` is what was written. */
export type Expectation = { readonly index: number; readonly text: string } & (
  | {
      readonly kind: "always";
      readonly condition: Expression;
      readonly fromUs: number;
      readonly untilUs: number;
    }
  /** At some time until the end. */
  | { readonly kind: "eventually"; readonly condition: Expression }
  /** At that time and from then on not looked at again. */
  | { readonly kind: "by"; readonly atUs: number; readonly condition: Expression }
  | { readonly kind: "never"; readonly event: string; readonly devices: readonly string[] | null }
  | {
      readonly kind: "count";
      readonly event: string;
      readonly devices: readonly string[] | null;
      readonly atLeast: number;
      /** Null: as often as it likes. */
      readonly atMost: number | null;
    }
);

export interface Bounds {
  /** After the last fault ended, until all online devices agree (simulator.md 11, I6). */
  readonly convergenceUs: number;
  readonly events: number;
  /** Time of the host, not of the run. */
  readonly hostTimeUs: number;
  /** Runs of a sweep of power cuts; more are sampled. */
  readonly cutRuns: number;
}

/** One run of a scenario: one seed, one set of varied values. */
export interface Run {
  readonly scenario: Scenario;
  readonly seed: string;
  readonly varied: Readonly<Record<string, Json>>;
}
