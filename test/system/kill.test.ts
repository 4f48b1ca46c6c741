import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { isJsonObject } from "../../firmware/core/json.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { Daemon, TemporaryFolder } from "../support/daemon.ts";
import { atRest, deviceFolder, greenhouseProgram, program } from "./device-folder.ts";
import { Operator } from "./operator.ts";
import { TestBroker } from "./test-broker.ts";

const KILLS = Number(process.env.IMUD_SYSTEM_KILLS ?? 50);
const SEED = process.env.IMUD_SYSTEM_SEED ?? "kill-9";
/** Every third life or so ends while the daemon is still starting. */
const START_UP_MS = 600;
const LIFE_MS = 700;
const COMMAND_EVERY_MS = 60;

const withTrigger = (document: JsonObject, everyMs: number): JsonObject => ({
  ...document,
  triggers: [{ on: "interval", everyMs }],
});

/** Counts in its own values and tells the whole site, in one settlement. */
const counter = program("counter", {
  capabilities: ["kv.get", "kv.put", "shared.put"],
  triggers: [{ on: "interval", everyMs: 100 }],
  code: [
    { op: "CAP", name: "kv.get", args: { key: "count" } },
    { op: "STORE", reg: "row" },
    { op: "PUSH", value: 0 },
    { op: "STORE", reg: "count" },
    { op: "GETK", oid: "reg:row", key: "found" },
    { op: "JZ", label: "ADD" },
    { op: "GETK", oid: "reg:row", key: "value" },
    { op: "STORE", reg: "count" },
    { op: "LABEL", name: "ADD" },
    { op: "LOAD", reg: "count" },
    { op: "PUSH", value: 1 },
    { op: "ADD" },
    { op: "STORE", reg: "count" },
    { op: "CAP", name: "kv.put", args: { key: "count", value: "reg:count" } },
    { op: "POP" },
    { op: "CAP", name: "shared.put", args: { key: "count", value: "reg:count" } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

const COMMANDS: readonly (readonly [string, JsonObject])[] = [
  ["run.start", { program: "irrigation" }],
  ["ledger.head", {}],
  ["run.start", { program: "counter" }],
  ["outputs.safe", {}],
];

function tally(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
const told = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(", ");

/** One life: work and commands until the kill. Gives whether it had come up. */
async function live(dir: string, operator: Operator, chance: SeededEntropy): Promise<boolean> {
  await using daemon = Daemon.spawn(dir);
  const killed = new AbortController();
  const talk = async (): Promise<void> => {
    for (let i = chance.below(COMMANDS.length); !killed.signal.aborted; i++) {
      const [name, args] = COMMANDS[i % COMMANDS.length] ?? ["ledger.head", {}];
      await operator.send(name, args);
      await wait(COMMAND_EVERY_MS);
    }
  };
  const talking = talk();
  const early = chance.below(3) === 0;
  if (early) await wait(chance.below(START_UP_MS));
  else {
    await daemon.says("ledger size");
    await wait(chance.below(LIFE_MS));
  }
  const cameUp = daemon.out.includes("ledger size");
  const isRunning = !daemon.isEnded;
  await daemon.end("SIGKILL");
  killed.abort();
  await talking;
  if (!isRunning) throw new Error(`it ended by itself:\n${daemon.out}\n${daemon.err}`);
  return cameUp;
}

test(`after ${KILLS} kills at random moments the ledger verifies and no acknowledged receipt is missing`, {
  timeout: 60_000 + KILLS * 3000,
}, async () => {
  const chance = new SeededEntropy(SEED, "kills");
  await using folder = await TemporaryFolder.create();
  await using broker = await TestBroker.start();
  const rates = {
    perCapability: { "mqtt.publish": { rps: 100, burst: 100 } },
    perTopic: { "**": { rps: 500, burst: 500 } },
    global: { rps: 1000, burst: 1000 },
  };
  await deviceFolder(folder.path, {
    broker: { url: broker.url },
    programs: [
      withTrigger(await greenhouseProgram("climate"), 100),
      withTrigger(await greenhouseProgram("irrigation"), 150),
      await greenhouseProgram("door-alarm"),
      counter,
    ],
    policy: (policy) => ({
      ...policy,
      rates,
      subjects: {
        ...(policy.subjects as JsonObject),
        "program:counter": { kind: "program", tier: "medium" },
      },
    }),
  });
  const operator = await Operator.of(broker, folder.path);

  let cameUp = 0;
  for (let i = 0; i < KILLS; i++) if (await live(folder.path, operator, chance)) cameUp++;
  await using last = await Daemon.start(folder.path);
  await wait(1000);
  const status = await last.ask("status");
  expect(await last.end("SIGTERM")).toEqual({ code: 0, signal: null });

  const { report, entries } = await atRest(folder.path);
  const receipts = [...operator.receipts.values()].flat();
  const named = receipts.flatMap(({ ledger }) => (ledger ? [ledger] : []));
  const outcomes = tally(receipts.map(({ outcome, code }) => `${outcome} ${code}`));
  const events = entries.map(({ entry }) => entry.event);
  const kinds = tally(events.map(({ kind }) => kind));
  process.stdout.write(
    `kill -9, seed ${SEED}: ${KILLS} kills (${cameUp} after start-up), ${entries.length} entries in epoch ${report.epoch}, ` +
      `${operator.sent.length} commands, ${named.length} receipts of ${operator.receipts.size} commands ` +
      `(${told(outcomes)}), ledger: ${told(kinds)}\n`,
  );
  expect(report).toMatchObject({ ok: true, epoch: 0, warnings: [], headChecked: true });
  const lost = named.filter(({ seq, hash }) => entries[seq]?.hash !== hash);
  expect(lost).toEqual([]);
  expect(operator.receipts.size).toBeGreaterThan(KILLS);
  const started = events.flatMap(({ kind, data }) => {
    const trigger = isJsonObject(data.trigger ?? null) ? (data.trigger as JsonObject) : {};
    return kind === "run" && trigger.kind === "command" ? [String(trigger.commandId)] : [];
  });
  expect(started.length).toBeGreaterThan(0);
  expect(new Set(started).size).toBe(started.length);
  const answers = [...operator.receipts.values()].map(
    (all) => new Set(all.map(({ outcome, at }) => `${outcome} ${at}`)).size,
  );
  expect(Math.max(...answers)).toBe(1);
  const unclean = events.filter(({ kind, data }) => kind === "boot" && data.unclean === true);
  expect(unclean.length).toBeGreaterThanOrEqual(cameUp);
  expect(status).toMatchObject({ state: "locked", ledger: { healthy: true } });
});
