/** What the invariants of simulator.md 11 are checked on: durable state and observations, never the daemon's memory. */
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { Level } from "../../../firmware/ports/hardware.ts";
import type { Store } from "../../../firmware/ports/store.ts";
import type { TraceRecord } from "../../trace/trace.ts";
import type { ReceivedReceipt, SentCommand } from "../operator.ts";
import type { OperatorKey } from "../provision.ts";
import type { LogLine } from "../sim-log.ts";
import type { InvariantId, Report } from "../violations.ts";
import type { DeviceFacts } from "./facts.ts";

/** One electrical change of an output line, seen at the board and not at the daemon. */
export interface LineMove {
  readonly atUs: number;
  readonly line: number;
  /** Null: released to its pull. */
  readonly level: Level | null;
  /** Number of the boot in which it happened; 0 while the daemon was down. */
  readonly boot: number;
}

/** One read that the hardware answered, seen at the hardware port and not in the daemon. */
export interface BusRead {
  /** When the answer was there. */
  readonly atUs: number;
  /** `gpio/gpiochip0/23`, `i2c/1/0x76`, `spi/0.0`, `serial/ttyAMA0`. */
  readonly path: string;
}

/** One life of the daemon, as seen from outside. */
export interface Life {
  readonly number: number;
  readonly fromUs: number;
  /** The clock's boot id: evidence names it beside its monotonic time. */
  readonly bootId: string;
  /** Drift of the oscillator in this life. */
  readonly ppm: number;
  /** When the daemon first said that its board is locked, and runs may begin; null if it never did. Default: at its start. */
  lockedUs?: number | null;
  /** Null until everything of the daemon had been started. */
  startedUs: number | null;
  /** Null while it lasts. */
  untilUs: number | null;
  /** `power`, `kill`, `exit`, `stop`; null while it lasts. */
  end: string | null;
  /** Wall time never reads below it in this life: while the calendar is behind, the clock stands there. Default 0. */
  readonly floorMs?: number;
  /** What the calendar alone shows: wall ms minus true ms at its start and after each jump: record times can be compared with the trace by it. */
  readonly offsets: { readonly fromUs: number; readonly wallMinusTrueMs: number }[];
  readonly trace: readonly TraceRecord[];
}

/** A checkpoint that the device has signed and stored. */
export interface SeenNote {
  readonly epoch: number;
  readonly size: number;
  readonly text: string;
}

/** An entry of a kind that is kept for ever; `to` of a `ledger_pruned`. */
export interface SeenKept {
  readonly epoch: number;
  readonly index: number;
  readonly kind: string;
  readonly to: number | null;
}

/** An entry about an effect that was intended, or whose outcome nobody knows. */
export interface SeenAct {
  readonly epoch: number;
  readonly index: number;
  readonly event: JsonObject;
  readonly ts: number;
}

/** How things stood when the device moved the beginning of its log. */
export interface SeenPruning {
  readonly epoch: number;
  /** The first entry that stays. */
  readonly index: number;
  /** Index of the `ledger_pruned` entry that says so; null if there was none. */
  readonly recordedAt: number | null;
  /** Size of the largest checkpoint that was stored by then. */
  readonly covered: number;
}

/** What the ledger of a device has held in all of its lives, whatever has become of it. */
export interface LedgerHistory {
  readonly notes: readonly SeenNote[];
  readonly kept: readonly SeenKept[];
  readonly acts: readonly SeenAct[];
  readonly prunings: readonly SeenPruning[];
  /** Said by the scenario: entries that no witness has signed may be gone. */
  readonly isPrunedUnwitnessed: boolean;
}

export interface ObservedDevice {
  readonly name: string;
  readonly deviceId: string;
  readonly publicKey: string;
  readonly board: string;
  /** The policy in force at the beginning, as a document. */
  readonly policy: JsonObject;
  readonly programs: readonly JsonObject[];
  /** Releases that were sent to it: those that it has dropped again are no longer on its disk. Default none. */
  readonly offered?: readonly { readonly hash: string; readonly policy: JsonObject }[];
  readonly config: JsonObject;
  /** Seals the ledger's head; null if the harness does not know it: then its mac is not looked at. */
  readonly headKey: Uint8Array | null;
  /** What is on its disk now (after a power cut: what survived), without steps, faults or waiting. */
  store(): Store;
  /** Every byte on its disk: rows and files, for searches and sizes. `where` of a row: `<sublevel>!<key>`. */
  image(): Iterable<readonly [where: string, bytes: Uint8Array]>;
  /** Every output line change since the beginning, oldest first. */
  readonly moves: readonly LineMove[];
  /** Every answered read since the beginning, oldest first; see `watchHardware`. */
  readonly reads: readonly BusRead[];
  /** True µs at which a batch with `sync: true` had reached the disk, oldest first. */
  readonly syncs: readonly number[];
  readonly lives: readonly Life[];
  /** Absent where nobody has watched the store: then the rules look at what is left. */
  readonly ledger?: LedgerHistory;
  readonly log: readonly LogLine[];
  /** Largest sizes seen: `outbox`, `storeBytes`, `queue`, ... */
  readonly peaks: ReadonlyMap<string, number>;
  /** Since when the link to the broker has been up without a break; null while it is down. */
  readonly linkUpSinceUs: number | null;
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

/** What a scenario's faults can make a sound daemon complain about in its log. */
export type FaultClass =
  | "disk"
  | "link"
  | "broker"
  | "bus"
  | "line"
  | "power"
  | "process"
  | "clock"
  | "adversary"
  | "memory";

/** What of an operator the rules look at; `SimOperator` is one. */
export interface ObservedOperator {
  readonly key: Pick<OperatorKey, "id" | "keyId" | "scopes"> & {
    readonly pair: { readonly publicKeyHex: string };
  };
  readonly receipts: readonly ReceivedReceipt[];
}

/** Everything a run has left behind, as the harness hands it over. */
export interface Observations {
  readonly fleet: string;
  readonly nowUs: number;
  readonly devices: readonly ObservedDevice[];
  /** Devices of the fleet, those among them that prove nothing; default: as many as are observed. */
  readonly fleetSize?: number;
  readonly operators: readonly ObservedOperator[];
  readonly sent: readonly SentCommand[];
  readonly messages: readonly BrokerMessage[];
  /** Secrets that must never be seen: name and bytes. */
  readonly secrets: readonly (readonly [name: string, bytes: Uint8Array])[];
  /** Classes of the faults that were injected so far. */
  readonly faults: ReadonlySet<FaultClass>;
  /** Since when no fault has been active; null while one is. */
  readonly quietSinceUs: number | null;
  /** How long devices may take to converge after faults have ended, ms; simulator.md 11: 60 s. */
  readonly convergeMs?: number;
  readonly report: Report;
}

/** The same with what all rules read from the disks, read once. */
export interface InvariantContext extends Observations {
  readonly facts: readonly DeviceFacts[];
}

/** One rule over everything durable and everything seen. */
export interface Invariant {
  readonly id: InvariantId;
  check(context: InvariantContext): Promise<void> | void;
}

/** Whether a device published a message; a harness may call it by its name or by its id. */
export const isFrom = ({ from }: BrokerMessage, { deviceId, name }: ObservedDevice): boolean =>
  from === deviceId || from === name;
