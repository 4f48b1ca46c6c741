/**
 * What one device stands on: files, randomness, clock, database, hardware and the way to a broker. `host-platform.ts` is
 * the machine itself; the simulator hands in another one. No other part of the composition knows which it is.
 */
import type { BoardDefinition } from "../../boards/index.ts";
import type { GreenhouseBoard } from "../../sim/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { Log } from "../ports/log.ts";
import type { MqttConnect } from "../ports/mqtt-connection.ts";
import type { RescuedDatabase, Store } from "../ports/store.ts";
import type { BrokerConfig, Config } from "./config-schema.ts";

/** The way to the site's broker. */
export interface BrokerAccess extends AsyncDisposable {
  readonly connect: MqttConnect;
  /** Where the broker listens, for people. */
  readonly address: string;
  /** True if the broker runs inside this process and ends with it. */
  readonly embedded: boolean;
}

export interface OpenedHardware {
  readonly hardware: Hardware;
  /** The world of the demonstration's board; null on every other. */
  readonly greenhouse: GreenhouseBoard | null;
}

/** Each takes the database's directory. */
export interface StoreRescue {
  /** @throws CodedError `storage_full` (503). */
  run(directory: string): Promise<RescuedDatabase>;
  /** Finishes a rescue that was interrupted in its last step. */
  finish(directory: string): Promise<boolean>;
  /** The report of a rescue that has not been recorded yet. */
  pending(directory: string): Promise<RescuedDatabase | null>;
  forget(directory: string): Promise<void>;
}

export interface Platform {
  /** True if nothing of it is real: everything that is recorded is marked. */
  readonly simulated: boolean;
  readonly files: Files;
  readonly entropy: Entropy;
  /** The user the daemon runs as, for remedies. */
  readonly user: string;
  /** Identity of the kernel's boot: tells a crash of the daemon from a loss of power. */
  readonly kernelBootId: string;
  /** Bytes that may still be written where `path` lies. */
  freeBytes(path: string): Promise<number>;
  /** Share of the process's memory limit that is still free, 0..1. */
  heapHeadroom(): number;
  /** @throws CodedError `store_busy`, `store_corrupt`, `store_layout_unknown`, `store_unavailable`. */
  openStore(directory: string): Promise<Store>;
  /** Saves what can be read of a database with damaged files; absent where files cannot be damaged. */
  readonly rescue?: StoreRescue;
  openClock(options: { readonly floorMs: number; readonly trust: Config["clock"]["trust"] }): Clock;
  openHardware(board: BoardDefinition, config: Config, clock: Clock): OpenedHardware;
  /** @throws CodedError `key_permissions` (422) for its secrets; the system's error if it cannot be opened. */
  openBroker(
    config: BrokerConfig,
    parts: { readonly clock: Clock; readonly log: Log },
  ): Promise<BrokerAccess>;
}
