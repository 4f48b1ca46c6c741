/** What the invariants of simulator.md 11 are checked on: durable state and observations, never the daemon's memory. */
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { Level } from "../../../firmware/ports/hardware.ts";
import type { Store } from "../../../firmware/ports/store.ts";
import type { TraceRecord } from "../../trace/trace.ts";
import type { LogLine } from "../sim-log.ts";
import type { SentCommand, SimOperator } from "../operator.ts";
import type { Report } from "../violations.ts";

/** One electrical change of an output line, seen at the board and not at the daemon. */
export interface LineMove {
  readonly atUs: number;
  readonly line: number;
  /** Null: released to its pull. */
  readonly level: Level | null;
  /** Number of the boot in which it happened; 0 while the daemon was down. */
  readonly boot: number;
}

/** One life of the daemon, as seen from outside. */
export interface Life {
  readonly number: number;
  readonly fromUs: number;
  /** Null until outputs had been driven safe and programs armed. */
  startedUs: number | null;
  /** Null while it lasts. */
  untilUs: number | null;
  /** `power`, `kill`, `exit`, `stop`; null while it lasts. */
  end: string | null;
  /** Wall ms minus true ms at its start and after each jump: record times can be compared with the trace by it. */
  readonly offsets: { readonly fromUs: number; readonly wallMinusTrueMs: number }[];
  readonly trace: readonly TraceRecord[];
}

export interface ObservedDevice {
  readonly name: string;
  readonly deviceId: string;
  readonly publicKey: string;
  readonly board: string;
  /** The policy in force at the beginning, as a document. */
  readonly policy: JsonObject;
  readonly programs: readonly JsonObject[];
  readonly config: JsonObject;
  /** What is on its disk now (after a power cut: what survived), without steps, faults or waiting. */
  store(): Store;
  /** Every byte on its disk: rows and files, for searches and sizes. */
  image(): Iterable<readonly [where: string, bytes: Uint8Array]>;
  /** Every output line change since the beginning, oldest first. */
  readonly moves: readonly LineMove[];
  readonly lives: readonly Life[];
  readonly log: readonly LogLine[];
  /** Largest sizes seen: `outbox`, `storeBytes`, `queue`, ... */
  readonly peaks: ReadonlyMap<string, number>;
  /** False while faults of the disk are switched on that excuse losses (lying fsync, bit rot): said by the scenario. */
  readonly isDiskHonest: boolean;
}

/** A message that the broker accepted. */
export interface BrokerMessage {
  readonly atUs: number;
  readonly from: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

export interface InvariantContext {
  readonly fleet: string;
  readonly nowUs: number;
  readonly devices: readonly ObservedDevice[];
  readonly operators: readonly SimOperator[];
  readonly sent: readonly SentCommand[];
  readonly messages: readonly BrokerMessage[];
  /** Secrets that must never be seen: name and bytes. */
  readonly secrets: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly report: Report;
}

/** One rule. `check` looks at everything durable after the run; `watch` hears of moves and messages as they happen. */
export interface Invariant {
  readonly id: string;
  check(context: InvariantContext): Promise<void> | void;
}
