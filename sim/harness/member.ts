/** One device of a simulated fleet with everything that belongs to it. */
import { findBoard } from "../../boards/index.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { SimBoard } from "../board/sim-board.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import { scenarioBoard } from "../scenario/boards.ts";
import type { DeviceGroup } from "../scenario/types.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { Calendar } from "./calendar.ts";
import { DeviceObserver } from "./device-observer.ts";
import { buildParts, type DeviceParts } from "./parts.ts";
import type { DeviceKeys, DeviceSoftware } from "./provision.ts";
import type { Sim } from "./sim.ts";
import { SimDevice } from "./sim-device.ts";
import { WALL_ZERO_MS } from "./wall-zero.ts";

/** Time is synchronised 5 to 30 s after a start of a board without a battery-backed clock. */
const SYNC_LEAST_US = 5_000_000;
const SYNC_SPREAD_US = 25_000_000;
/** How long a board stays off after its supply has broken down. */
const BROWN_OUT_MS = 2000;

export interface Member {
  readonly device: SimDevice;
  readonly observer: DeviceObserver;
  readonly board: SimBoard;
  readonly disk: SimDisk;
  readonly parts: DeviceParts;
  readonly software: DeviceSoftware;
  readonly group: DeviceGroup;
  readonly calendar: Calendar;
}

/** What is known of a device before its board is built. */
export interface MemberDraft {
  readonly name: string;
  readonly group: DeviceGroup;
  readonly software: DeviceSoftware;
  readonly policy: JsonObject;
  readonly keys: DeviceKeys;
  readonly disk: SimDisk;
  readonly entropy: SeededEntropy;
  readonly headKey: Uint8Array;
}

const drawnPpm = (entropy: SeededEntropy): number => entropy.below(81) - 40;

function newBoard(
  sim: Sim,
  { name, group }: MemberDraft,
  parts: DeviceParts,
  onBrownOut: () => void,
): SimBoard {
  const { seed, time, trace, world } = sim;
  const definition = scenarioBoard(group.board) ?? findBoard("sim");
  if (!definition)
    throw new CodedError("board_unknown", `There is no board ${group.board}.`, { status: 422 });
  return new SimBoard({
    board: definition,
    stream: (stream) => new SeededEntropy(seed, `device:${name}:${stream}`),
    wiring: parts.wiring,
    trueNowUs: () => time.nowUs,
    at: (atUs, run) => time.at(atUs, 2, run),
    advanceWorld: (nowUs) => world.advanceTo(nowUs),
    record: (kind, data) => trace.record(name, kind, data),
    onBrownOut,
    onContention: (line) =>
      sim.report({ id: "I1", what: "two drivers on one net", actor: name, details: { line } }),
  });
}

/** Builds a device that is off. @throws CodedError `board_unknown`, `scenario_invalid` (422). */
export function buildMember(sim: Sim, draft: MemberDraft): Member {
  const { seed, time, trace, world, names, network } = sim;
  const { name, group, software, keys, disk, entropy, policy, headKey } = draft;
  const clockEntropy = new SeededEntropy(seed, `device:${name}:clock`);
  const calendar = new Calendar({
    wall0Ms: WALL_ZERO_MS,
    rtc: group.rtc,
    syncAfterUs: SYNC_LEAST_US + clockEntropy.below(SYNC_SPREAD_US),
  });
  const wallMsAt = (atUs: number): number => calendar.trueWallMs(atUs);
  const parts = buildParts({ deviceId: name, seed, wires: group.wiring, world, names, wallMsAt });
  const board = newBoard(sim, draft, parts, () => device.powerOff(BROWN_OUT_MS));
  const record: SimDevice["options"]["record"] = (kind, data) => trace.record(name, kind, data);
  const device: SimDevice = new SimDevice(
    {
      name,
      time,
      entropy,
      diskEntropy: new SeededEntropy(seed, `device:${name}:disk-cuts`),
      board,
      disk,
      network,
      calendar,
      ppm: group.ppm ?? drawnPpm(clockEntropy),
      cpuFactor: group.cpuFactor,
      record,
      onLog: (line) => {
        observer.hear(line);
        if (line.level === "error") record("log.error", { event: line.event });
      },
      onEntry: (entry) => observer.entered(entry),
      onRow: (row) => observer.wrote(row),
      onSync: () => observer.syncs.push(time.nowUs),
      onRead: (path) => observer.reads.push({ atUs: time.nowUs, path }),
      onBroken: (code, details) =>
        sim.report({ id: "I13", what: `an effect outside of an event: ${code}`, actor: name, details }),
      onExit: (code, message) => observer.exits.push({ atUs: time.nowUs, code, message }),
    },
    keys,
  );
  const observer = new DeviceObserver(device, { software, policy, headKey, keepsTrace: sim.observes });
  return { device, observer, board, disk, parts, software, group, calendar };
}
