import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { isJsonObject, type JsonObject } from "../../firmware/core/json.ts";
import { ContentStore } from "../../firmware/evidence/index.ts";
import { RunStore } from "../../firmware/runs/index.ts";
import type { RunRecord } from "../../firmware/vm/types.ts";
import { Daemon, TemporaryFolder } from "../support/daemon.ts";
import { atRest, deviceFolder, program } from "./device-folder.ts";

const WORK_MS = 8000;
const PERIOD_MS = 100;
const MAX_LATE_MS = 20;

const AGAIN = { op: "LABEL", name: "AGAIN" };
const REPEAT = { op: "JUMP", label: "AGAIN" };
const often = { triggers: [{ on: "interval", everyMs: 150 }] };

interface Hostile {
  readonly document: JsonObject;
  readonly reason: string;
}

/** Each uses up one quota and is started again as often as the schedule allows. */
const HOSTILE: Readonly<Record<string, Hostile>> = {
  "an endless loop": {
    reason: "cpu_steps_exceeded",
    document: program("spin", { ...often, code: [AGAIN, REPEAT] }),
  },
  "lists that grow without end": {
    reason: "mem_exceeded",
    document: program("hoard", {
      ...often,
      limits: { memKb: 256 },
      code: [
        AGAIN,
        { op: "NEW_ARR" },
        { op: "STORE", reg: "list" },
        { op: "LABEL", name: "GROW" },
        { op: "APPEND", oid: "reg:list", value: 1 },
        { op: "LEN", oid: "reg:list" },
        { op: "PUSH", value: 1000 },
        { op: "LT" },
        { op: "JNZ", label: "GROW" },
        REPEAT,
      ],
    }),
  },
  "sleeping again and again": {
    reason: "sleep_total_exceeded",
    document: program("doze", {
      ...often,
      limits: { sleepMs: 20, sleepTotalMs: 200 },
      code: [AGAIN, { op: "SLEEP_MS", ms: 20 }, REPEAT],
    }),
  },
  "sleeping for an hour": {
    reason: "sleep_too_long",
    document: program("coma", { ...often, code: [{ op: "SLEEP_MS", ms: 3_600_000 }, { op: "HALT" }] }),
  },
  "calls without end, refusals ignored": {
    reason: "io_calls_exceeded",
    document: program("chat", {
      ...often,
      capabilities: ["kv.get"],
      code: [
        AGAIN,
        { op: "TRY", handler: "REFUSED" },
        { op: "CAP", name: "kv.get", args: { key: "nothing" } },
        { op: "POP" },
        { op: "ENDTRY" },
        REPEAT,
        { op: "LABEL", name: "REFUSED" },
        { op: "POP" },
        REPEAT,
      ],
    }),
  },
};

const pulse = program("pulse", {
  triggers: [{ on: "interval", everyMs: PERIOD_MS }],
  capabilities: ["sensor.read"],
  code: [
    { op: "CAP", name: "sensor.read", args: { input: "air_temperature" } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

function policyFor(documents: readonly JsonObject[]): (policy: JsonObject) => JsonObject {
  return (policy) => {
    const subjects = isJsonObject(policy.subjects ?? null) ? (policy.subjects as JsonObject) : {};
    const operators = Object.entries(subjects).filter(([name]) => name.startsWith("operator:"));
    const programs = documents.map(({ name }) => [
      `program:${String(name)}`,
      { kind: "program", tier: "medium" },
    ]);
    return { ...policy, outputs: [], subjects: Object.fromEntries([...operators, ...programs]) };
  };
}

/** Greatest lateness in ms of a timer in an idle process on this machine, now: what no daemon can avoid. */
async function idleLateness(forMs: number): Promise<number> {
  const script = `let worst = 0, due = performance.now() + 10;
    const end = performance.now() + ${forMs};
    (function next() {
      worst = Math.max(worst, performance.now() - due);
      if (performance.now() > end) { console.log(worst); return; }
      due = performance.now() + 10;
      setTimeout(next, 10);
    })();`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => child.once("close", resolve));
  return Number(text);
}

async function recordsOf(dir: string): Promise<readonly RunRecord[]> {
  await using store = await LevelStore.open(join(dir, "state", "db"), { create: false });
  const content = new ContentStore({ store, wallMs: () => Date.now() });
  const records: RunRecord[] = [];
  for await (const record of new RunStore(store, content).latest(100_000)) records.push(record);
  return records.reverse();
}

const dueAtOf = ({ trigger }: RunRecord): number =>
  isJsonObject(trigger) && typeof trigger.dueAt === "number" ? trigger.dueAt : Number.NaN;

/** How late each run began and ended, in ms, measured from the most punctual one: two clocks are compared. */
function lateness(runs: readonly RunRecord[]): { readonly start: number; readonly end: number } {
  const starts = runs.map((run) => run.startedAt - dueAtOf(run));
  const punctual = Math.min(...starts);
  const ends = runs.map((run, i) => (starts[i] ?? 0) + run.metrics.wallMs);
  return { start: Math.max(...starts) - punctual, end: Math.max(...ends) - punctual };
}

describe("programs that want everything, beside one that must run ten times a second", () => {
  // A machine that is busy with something else spoils a measurement; a defect spoils all of them.
  test("are stopped by their own quotas, and the other misses no period", { retry: 2 }, async () => {
    await using folder = await TemporaryFolder.create();
    const documents = [...Object.values(HOSTILE).map(({ document }) => document), pulse];
    await deviceFolder(folder.path, { programs: documents, policy: policyFor(documents) });
    await using daemon = await Daemon.start(folder.path);

    const idle = await idleLateness(WORK_MS);
    const status = await daemon.ask("status");
    await daemon.end("SIGTERM");

    const { report, entries } = await atRest(folder.path);
    const records = await recordsOf(folder.path);
    expect(report.ok).toBe(true);
    for (const [what, { document, reason }] of Object.entries(HOSTILE)) {
      const runs = records.filter((run) => run.program.name === document.name && run.state !== "cut");
      expect(runs.length, what).toBeGreaterThan(10);
      expect(new Set(runs.map(({ outcome }) => outcome.error?.reason)), what).toEqual(new Set([reason]));
      const recorded = new Map(
        entries
          .filter(({ entry }) => entry.event.kind === "run")
          .map(({ entry: { event } }) => [event.runId, event.data]),
      );
      for (const { runId } of runs)
        expect(recorded.get(runId), what).toMatchObject({ error: { code: "quota_exceeded", reason } });
    }
    const pulses = records.filter(({ program: { name } }) => name === "pulse");
    const late = lateness(pulses);
    process.stdout.write(
      `10 Hz beside hostile programs: ${pulses.length} runs, worst start +${late.start.toFixed(1)} ms, ` +
        `worst end +${late.end.toFixed(1)} ms, an idle process at the same time +${idle.toFixed(1)} ms\n`,
    );
    const dues = pulses.map(dueAtOf);
    const steps = new Set(dues.slice(1).map((due, i) => due - (dues[i] ?? 0)));
    expect([...steps]).toEqual([PERIOD_MS]);
    expect(pulses.length).toBeGreaterThanOrEqual(Math.floor(WORK_MS / PERIOD_MS) - 1);
    expect(new Set(pulses.map(({ state }) => state))).toEqual(new Set(["halted"]));
    const programs = isJsonObject(status) && Array.isArray(status.programs) ? status.programs : [];
    expect(programs).toContainEqual(expect.objectContaining({ name: "pulse", missed: 0 }));
    expect(late.start).toBeLessThanOrEqual(MAX_LATE_MS + idle);
  });
});
