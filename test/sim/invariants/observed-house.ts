/** A house of two simulated devices that has been through commands, duplicates, a power cut and an orderly end. */
import { readFile } from "node:fs/promises";
import { nextTurn } from "../../../firmware/adapters/event-loop.ts";
import { fromUtf8 } from "../../../firmware/core/bytes.ts";
import { encodeCbor } from "../../../firmware/core/cbor.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import {
  ContentStore,
  EVIDENCE,
  PACKS,
  RUN_INDEX,
  readRunEvidence,
  stageEvidence,
} from "../../../firmware/evidence/index.ts";
import { put, type Store, type StoreOp } from "../../../firmware/ports/store.ts";
import { RUNS, RunStore } from "../../../firmware/runs/index.ts";
import { MemoryStore } from "../../../sim/disk/memory-store.ts";
import {
  checkInvariants,
  type Observations,
  type ObservedDevice,
} from "../../../sim/harness/invariants/index.ts";
import { Sim } from "../../../sim/harness/sim.ts";
import type { Violation } from "../../../sim/harness/violations.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";

const GREENHOUSE = new URL("../../../examples/greenhouse/", import.meta.url).pathname;

/** It is warm and dry, so that fan and pump run; the probe fails for a while, so that the guard refuses. */
const SCENARIO = `
name: observed-house
seed: 7
duration: 8m
fleet: { id: village, root: sim, operators: [{ id: op-1, scopes: [command, emergency] }] }
devices:
  - prefix: house-
    count: 2
    board: raspberry-pi-4
    policy: ${GREENHOUSE}policy.json
    programs: [${GREENHOUSE}programs/climate.json, ${GREENHOUSE}programs/door-alarm.json, ${GREENHOUSE}programs/irrigation.json]
    config: { clock: { trust: system } }
    rtc: true
    wiring:
      - { model: relay, line: 17, drives: air.vent, safe: off }
      - { model: relay, line: 27, drives: soil.pump, safe: off }
      - { model: reed, line: 23, reads: { level: door.open } }
      - { model: bme280, bus: i2c-1, address: 0x76, reads: { t: { of: air.t, noise: 0.02 }, rh: air.rh } }
      - { model: mcp3008, spi: '0.0', reads: { ch0: { of: soil.level, gain: 3.3, noise: 0.003 } } }
    sensors:
      - { uri: i2c://1/0x76/temperature, driver: bme280, min: -40, max: 85 }
      - { uri: i2c://1/0x76/humidity, driver: bme280, unit: '%', min: 0, max: 100 }
      - { uri: spi://0.0/ch0, driver: mcp3008, vref: 3.3, scale: 30.303030303, unit: '%', min: 0.5, max: 99.5 }
world:
  door: { kind: door, base: { schedule: [{ at: 0, value: 0 }, { at: 1m, value: 1 }, { at: 2m, value: 0 }] } }
  air: { kind: room, t: 34, C: 200000, G: 60, Gvent: 400, ambient: 30, ambientRh: 45, vent: { of: door.open, gain: 0.25 } }
  soil: { kind: tank, level: 0.3, height: 1, area: 1, qIn: 0.002, leak: 0.000014 }
timeline:
  - { at: 4m, fault: sensor, device: house-002, target: spi-0.0, quantity: ch0, kind: dropout, p: 1, value: 0, for: 40s }
  - { at: 5m, fault: cut, device: house-001, label: 'store.batch', nth: 2, point: during, offMs: 10000 }
expect:
  - { never: { event: safe_mode_enter } }
`;

export interface ObservedHouse {
  readonly observations: Observations;
  readonly first: ObservedDevice;
  readonly second: ObservedDevice;
}

/** The policy as the device was given it. */
function filledPolicy(device: ObservedDevice): JsonObject {
  for (const [where, bytes] of device.image())
    if (where === "/etc/imud/policy.json") return JSON.parse(fromUtf8(bytes)) as JsonObject;
  throw new Error("The device has no policy.");
}

/** A device with other observations; everything else is asked of the first one. */
export function changed(device: ObservedDevice, change: Partial<ObservedDevice>): ObservedDevice {
  const { name, deviceId, publicKey, board, policy, programs, config, headKey } = device;
  const { moves, reads, syncs, lives, log, peaks, linkUpSinceUs, isDiskHonest } = device;
  return {
    ...{ name, deviceId, publicKey, board, policy, programs, config, headKey },
    ...{ moves, reads, syncs, lives, log, peaks, linkUpSinceUs, isDiskHonest },
    store: () => device.store(),
    image: () => device.image(),
    ...change,
  };
}

export async function observedHouse(): Promise<ObservedHouse> {
  const [run] = expandRuns(parseScenario(SCENARIO, "observed-house.yaml"));
  if (!run) throw new Error("The scenario has no run.");
  const sim = await Sim.create(run, { host: { turn: nextTurn, read: (path) => readFile(path) } });
  const operator = sim.operator();
  const ids = ["house-001", "house-002"].map((name) => sim.member(name).device.keys.deviceId);
  const [one = "", two = ""] = ids;
  await sim.run("1m");
  for (const device of ids) {
    const command = operator.sign(device, "run.start", { program: "irrigation" });
    await sim.time.settle(operator.send(command));
    await sim.run("2s");
    await sim.time.settle(operator.send(command));
  }
  await sim.time.settle(operator.send(operator.sign(one, "status.get", {})));
  await sim.time.settle(operator.send(operator.sign(two, "outputs.safe", {})));
  await sim.time.settle(operator.send(operator.sign(two, "ota.unknown", {})));
  await sim.run("5m");
  await sim.time.settle(sim.member("house-002").device.stop());
  await sim.run("30s");
  const observations = sim.observations();
  const devices = observations.devices.map((device) => changed(device, { policy: filledPolicy(device) }));
  const [first, second] = devices;
  if (!first || !second) throw new Error("The house has two devices.");
  if (sim.violations.all.length > 0) throw new Error(JSON.stringify(sim.violations.all));
  return { observations: { ...observations, devices }, first, second };
}

/** What the rules find, by id, in what a run has left behind. */
export async function found(
  observations: Observations,
  change: Partial<Observations> = {},
): Promise<readonly Omit<Violation, "atUs">[]> {
  const violations: Omit<Violation, "atUs">[] = [];
  await checkInvariants({ ...observations, ...change, report: (violation) => violations.push(violation) });
  return violations;
}

type Row = readonly [key: string, value: Uint8Array];
/** What becomes of a row: other bytes, nothing, or several rows. */
export type RowChange = (key: string, value: Uint8Array) => Uint8Array | null | readonly Row[];

const SUBS = (
  "lg lgn lgcp lghead lgsigned lgx run runopen ev evrun cas commands outbox outbox_dead outbox_gaps progdoc policy ota " +
  "sync/head sync/batch kv"
).split(" ");

/** Rows of a sublevel; records and evidence whole, so that they can be altered one by one. */
async function* rowsOf(source: Store, sub: string): AsyncIterable<readonly [string, Uint8Array]> {
  if (sub === RUNS) {
    const runs = new RunStore(source, new ContentStore({ store: source, wallMs: () => 0 }));
    for await (const [runId] of source.range(sub)) {
      const { record, rollup } = await runs.stored(runId);
      yield [runId, encodeCbor(rollup === null ? record : { ...record, rollup })];
    }
    return;
  }
  yield* source.range(sub);
  if (sub !== EVIDENCE && sub !== RUN_INDEX) return;
  for await (const [runId] of source.range(PACKS)) {
    for (const evidence of await readRunEvidence(source, runId)) {
      for (const op of stageEvidence(evidence))
        if (op.type === "put" && op.sub === sub) yield [op.key, op.value];
    }
  }
}

/** A copy of a device's rows in which some sublevels were tampered with. */
export async function tampered(
  device: ObservedDevice,
  changes: Readonly<Record<string, RowChange>>,
  added: readonly StoreOp[] = [],
): Promise<ObservedDevice> {
  const copy = new MemoryStore();
  const source = device.store();
  for (const sub of SUBS) {
    for await (const [key, value] of rowsOf(source, sub)) {
      const after = changes[sub]?.(key, value) ?? (changes[sub] ? null : value);
      if (after === null) continue;
      const rows = after instanceof Uint8Array ? [[key, after] as const] : after;
      await copy.batch(
        rows.map(([name, bytes]) => put(sub, name, bytes)),
        { sync: true },
      );
    }
  }
  await copy.batch(added, { sync: true });
  return changed(device, { store: () => copy });
}
