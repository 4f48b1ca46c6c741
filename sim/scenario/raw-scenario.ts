/** A scenario file as the schema lets it through: optional members absent, durations as written. */
import type { JsonObject } from "../../firmware/core/json.ts";
import type { DurationText } from "./duration.ts";
import type { DocumentSource, FleetPlan, LineRow, LinkPlan, SensorRow } from "./types.ts";

export interface RawScenario {
  readonly name: string;
  readonly description?: string;
  readonly seed?: number | string;
  readonly duration: DurationText;
  readonly order?: "fifo" | "random";
  readonly worldStep?: DurationText;
  readonly fleet?: { readonly id: string; readonly operators?: FleetPlan["operators"] };
  readonly broker?: {
    readonly version?: 3 | 4 | 5 | "3.1.1";
    readonly volatile?: boolean;
    readonly packetBytes?: number;
    readonly queueMessages?: number;
    readonly connectionsPerS?: number;
  };
  readonly devices: readonly RawGroup[];
  readonly world?: Readonly<Record<string, RawNode>>;
  readonly link?: Partial<Omit<LinkPlan, "bytesPerS">> & { readonly bytesPerS?: number };
  readonly adversaries?: readonly {
    readonly id: string;
    readonly key?: string;
    readonly script: readonly JsonObject[];
  }[];
  readonly timeline?: readonly JsonObject[];
  readonly expect: readonly RawExpectation[];
  readonly bounds?: {
    readonly convergence?: DurationText;
    readonly events?: number;
    readonly hostTime?: DurationText;
    readonly cutRuns?: number;
  };
  readonly vary?: RawGrid | readonly RawGrid[];
}

export type RawGrid = Readonly<Record<string, readonly (number | string | boolean)[]>>;

export interface RawGroup {
  readonly prefix: string;
  readonly count?: number;
  readonly board: string;
  readonly policy: DocumentSource;
  readonly programs?: readonly DocumentSource[];
  readonly sensors?: readonly SensorRow[];
  readonly lines?: readonly LineRow[];
  readonly config?: JsonObject;
  readonly ppm?: number;
  readonly rtc?: boolean;
  readonly cpuFactor?: number;
  readonly wiring?: readonly RawWire[];
}

export interface RawWire {
  readonly model: string;
  readonly line?: number;
  readonly bus?: string;
  readonly address?: number | string;
  readonly spi?: string;
  readonly serial?: string;
  readonly drives?: string | { readonly of: string; readonly gain?: number; readonly delay?: DurationText };
  readonly reads?: Readonly<Record<string, string | RawRead>>;
  readonly activeLow?: boolean;
  readonly safe?: "on" | "off" | 0 | 1 | boolean;
  readonly loadMa?: number;
  readonly options?: Readonly<Record<string, number | string | boolean>>;
}

export interface RawRead {
  readonly of: string;
  readonly gain?: number;
  readonly offset?: number;
  readonly delay?: DurationText;
  readonly noise?: number;
}

export interface RawDriven {
  readonly of?: string;
  readonly gain?: number;
  readonly offset?: number;
  readonly schedule?: readonly { readonly at: DurationText; readonly value: number }[];
  readonly mode?: "step" | "linear";
  readonly repeat?: DurationText;
}

/** Beside `kind` and `each`, numbers and what drives them. */
export type RawNode = Readonly<Record<string, string | number | RawDriven>>;

export interface RawExpectation {
  readonly always?: string;
  readonly eventually?: string;
  readonly by?: DurationText;
  readonly that?: string;
  readonly never?: { readonly event: string; readonly device?: string | readonly string[] };
  readonly count?: {
    readonly event: string;
    readonly device?: string | readonly string[];
    readonly atLeast?: number;
    readonly atMost?: number;
  };
  readonly from?: DurationText;
  readonly until?: DurationText;
}
