/**
 * A whole daemon with one program that measures once a second and sends what it measured, its clock running faster than
 * ours: `day.js <factor> <minutes> <group commit ms> <dir>`. Says what it wrote to the disk and how its batches came about.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LevelStore } from "../../../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../../../firmware/adapters/node-files.ts";
import { SystemEntropy } from "../../../../firmware/adapters/system-entropy.ts";
import { loadConfig } from "../../../../firmware/composition/config.ts";
import { Device } from "../../../../firmware/composition/device.ts";
import { hostPlatform } from "../../../../firmware/composition/host-platform.ts";
import { initialise } from "../../../../firmware/composition/init.ts";
import type { Log } from "../../../../firmware/ports/log.ts";
import type { Store } from "../../../../firmware/ports/store.ts";
import { writtenBytes, writtenSince } from "../../../lib/disk-io.ts";
import { scratch } from "../../../lib/scratch.ts";
import { FastClock } from "../fast-clock.ts";

const [factorText, minutesText, groupText, dir] = process.argv.slice(2);
const factor = Number(factorText);
const simulatedMs = Number(minutesText) * 60_000;

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** Once a second: a reading, and a message with it. It goes by a name that the greenhouse's policy knows. */
const PROGRAM = {
  format: "imu.program/1",
  name: "climate",
  version: "1.0.0",
  isa: 1,
  capabilities: ["sensor.read", "mqtt.publish"],
  outputs: ["telemetry_air"],
  triggers: [{ on: "interval", everyMs: 1000 }],
  code: [
    { op: "CAP", name: "sensor.read", args: { input: "air_temperature" } },
    { op: "STORE", reg: "reading" },
    { op: "GETK", oid: "reg:reading", key: "value" },
    { op: "STORE", reg: "value" },
    {
      op: "CAP",
      name: "mqtt.publish",
      args: { output: "telemetry_air", payload: { temperature: "reg:value" }, qos: 1 },
    },
    { op: "POP" },
    { op: "HALT" },
  ],
};

interface Counts {
  batches: number;
  synced: number;
  bytes: number;
  /** Bytes of keys and values, by sublevel. */
  readonly bySub: Map<string, number>;
}

function counting(store: Store, counts: Counts): Store {
  return {
    get: (sub, key) => store.get(sub, key),
    getMany: (sub, keys) => store.getMany(sub, keys),
    range: (sub, range) => store.range(sub, range),
    batch: (ops, options) => {
      counts.batches++;
      if (options.sync) counts.synced++;
      for (const op of ops) {
        const bytes = op.key.length + (op.type === "put" ? op.value.length : 0);
        counts.bytes += bytes;
        counts.bySub.set(op.sub, (counts.bySub.get(op.sub) ?? 0) + bytes);
      }
      return store.batch(ops, options);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function folderOf(path: string): Promise<string> {
  const template = join(path, "template");
  await mkdir(join(template, "programs"), { recursive: true });
  await writeFile(join(template, "programs", "climate.json"), JSON.stringify(PROGRAM));
  const policy = new URL("../../../../../../examples/greenhouse/policy.json", import.meta.url);
  await writeFile(join(template, "policy.json"), await new NodeFiles().read(policy.pathname, 1_000_000));
  const broker = { embedded: { host: "127.0.0.1", port: 0 } };
  const made = await initialise({
    files: new NodeFiles(),
    entropy: new SystemEntropy(),
    nowMs: Date.now(),
    dir: path,
    board: "sim",
    fleet: "bench",
    broker,
    template,
  });
  return made.configPath;
}

await using folder = await scratch(dir);
const config = {
  ...(await loadConfig(new NodeFiles(), await folderOf(folder.path))),
  groupCommitMs: Number(groupText),
};
const counts: Counts = { batches: 0, synced: 0, bytes: 0, bySub: new Map() };
const host = hostPlatform(config);
const platform = {
  ...host,
  openClock: (options: Parameters<typeof host.openClock>[0]) =>
    new FastClock(host.openClock(options), factor),
  openStore: async (path: string) => counting(await LevelStore.open(path, { create: true }), counts),
};
const device = await Device.open(config, { platform, log: silent });
await device.start();
let runs = 0;
device.parts.events.on("bench", "run", ({ result }) => {
  if (result.ok) runs++;
});
const before = writtenBytes();
const atStart = { ...counts };
counts.bySub.clear();
await new Promise((resolve) => setTimeout(resolve, simulatedMs / factor));
const { disk, calls } = writtenSince(before);
const during = {
  batches: counts.batches - atStart.batches,
  synced: counts.synced - atStart.synced,
  bytes: counts.bytes - atStart.bytes,
  bySub: Object.fromEntries(counts.bySub),
};
await device.stop("bench");
process.stdout.write(JSON.stringify({ measured: before !== null, runs, disk, calls, ...during }));
