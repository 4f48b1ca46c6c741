/** What is seen of a device from outside: its lives, its lines, its log, its ledger entries, its sizes. */
import type { JsonObject } from "../../firmware/core/json.ts";
import type { Store } from "../../firmware/ports/store.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import type { TraceRecord } from "../trace/trace.ts";
import type { BusRead, Life, LineMove, ObservedDevice } from "./invariants/invariant.ts";
import { LedgerMemory } from "./ledger-memory.ts";
import type { SeenEntry, SeenRow } from "./observed-store.ts";
import type { DeviceSoftware } from "./provision.ts";
import type { SimDevice } from "./sim-device.ts";
import type { LogLine } from "./sim-log.ts";

/** Newest lines kept; older ones are counted. */
const LOG_LINES = 2000;

interface OpenLife extends Life {
  readonly trace: TraceRecord[];
  lockedUs: number | null;
}

/** States of the board in which programs may run, or might have. */
const LOCKED = new Set(["locked", "safe_mode", "stopping"]);

export class DeviceObserver implements ObservedDevice {
  readonly name: string;
  readonly board: string;
  readonly policy: JsonObject;
  readonly programs: readonly JsonObject[];
  readonly config: JsonObject;
  readonly headKey: Uint8Array;
  readonly moves: LineMove[] = [];
  readonly reads: BusRead[] = [];
  readonly offered: { readonly hash: string; readonly policy: JsonObject }[] = [];
  readonly syncs: number[] = [];
  readonly lives: OpenLife[] = [];
  readonly ledger = new LedgerMemory();
  readonly log: LogLine[] = [];
  /** Starts of the daemon that it refused, and ends of its own. */
  readonly exits: { readonly atUs: number; readonly code: string; readonly message: string }[] = [];
  readonly peaks = new Map<string, number>();
  /** How often each kind of ledger event was seen, and each kind of trace record as `sim.<kind>`. */
  readonly counts = new Map<string, number>();
  isDiskHonest = true;
  /** Since when the daemon has been linked to the broker; null while it is not. */
  linkUpSinceUs: number | null = null;
  /** False once the scenario has turned the device against its fleet. */
  isHonest = true;
  readonly #device: SimDevice;
  readonly #disk: SimDisk;
  readonly #keepsTrace: boolean;

  constructor(
    device: SimDevice,
    options: {
      readonly software: DeviceSoftware;
      readonly policy: JsonObject;
      readonly headKey: Uint8Array;
      /** Records of each life are kept for the invariants; costs memory in long runs. */
      readonly keepsTrace: boolean;
    },
  ) {
    const { software } = options;
    this.#device = device;
    this.#disk = device.options.disk;
    this.#keepsTrace = options.keepsTrace;
    this.name = device.name;
    this.board = software.board;
    this.policy = options.policy;
    this.headKey = options.headKey;
    this.programs = software.programs;
    this.config = software.config;
    device.options.board.onLine((line, level, atUs) => {
      this.moves.push({ atUs, line, level, boot: device.boot?.number ?? 0 });
    });
  }

  get deviceId(): string {
    return this.#device.keys.deviceId;
  }

  get publicKey(): string {
    return this.#device.keys.publicKey;
  }

  store(): Store {
    return this.#disk.peek();
  }

  *image(): Generator<readonly [where: string, bytes: Uint8Array]> {
    for (const part of this.#disk.view()) {
      const where = part.kind === "row" ? `${part.sub}!${part.key}` : part.path;
      yield [where, part.bytes];
    }
  }

  /** Hears every trace record of this device. */
  see(record: TraceRecord): void {
    this.#count(`sim.${record.kind}`);
    const { atUs, kind } = record;
    if (kind === "boot") this.#begin(atUs);
    const life = this.lives.at(-1);
    if (!life || life.untilUs !== null) return;
    if (this.#keepsTrace) life.trace.push(record);
    if (life.lockedUs === null && LOCKED.has(this.#device.boot?.device?.parts.boot.state ?? ""))
      life.lockedUs = atUs;
    if (kind === "started") life.startedUs = atUs;
    if (kind === "process.end") this.#end(life, atUs, String((record.data as JsonObject).end));
    if (kind === "power.off") this.#end(life, atUs, "power");
    if (kind === "clock.jump" || kind === "time.sync") this.#noteOffset(life, atUs);
  }

  hear(line: LogLine): void {
    if (line.event === "mqtt_online") this.linkUpSinceUs = this.#device.options.time.nowUs;
    if (line.event === "mqtt_offline") this.linkUpSinceUs = null;
    this.log.push(line);
    if (this.log.length > LOG_LINES) this.log.shift();
  }

  entered(entry: SeenEntry): void {
    this.#count(String(entry.event.kind));
    if (this.#keepsTrace) this.ledger.entered(entry);
  }

  wrote(row: SeenRow): void {
    if (this.#keepsTrace) this.ledger.wrote(row);
  }

  /** Remembers the largest sizes. */
  measure(): void {
    this.#peak("rowBytes", this.#disk.rowBytes);
    this.#peak("rows", this.#disk.rows());
    this.#peak("outbox", this.#disk.rows("outbox"));
    this.#peak("fileBytes", this.#disk.fileBytes);
  }

  #peak(name: string, value: number): void {
    this.peaks.set(name, Math.max(value, this.peaks.get(name) ?? 0));
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  #begin(atUs: number): void {
    const number = this.#device.boot?.number ?? this.lives.length + 1;
    const clock = this.#device.boot?.clock;
    const life: OpenLife = {
      get floorMs() {
        return clock?.floorMs ?? 0;
      },
      number,
      fromUs: atUs,
      bootId: clock?.bootId ?? "",
      ppm: this.#device.ppm,
      lockedUs: null,
      startedUs: null,
      untilUs: null,
      end: null,
      offsets: [],
      trace: [],
    };
    this.lives.push(life);
    this.#noteOffset(life, atUs);
  }

  #end(life: OpenLife, atUs: number, end: string): void {
    life.untilUs = atUs;
    this.linkUpSinceUs = null;
    life.end = end;
  }

  #noteOffset(life: OpenLife, atUs: number): void {
    const wallUs = this.#device.boot?.clock.rawWallUs() ?? 0;
    life.offsets.push({ fromUs: atUs, wallMinusTrueMs: (wallUs - atUs) / 1000 });
  }
}
