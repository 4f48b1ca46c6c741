import { expect, test } from "vitest";
import { isJsonObject, type JsonObject } from "../../firmware/core/json.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { atRest, deviceFolder, program } from "./device-folder.ts";

/** Asks for water without having looked at anything. */
const blind = program("irrigation", {
  capabilities: ["gpio.write"],
  outputs: ["pump"],
  triggers: [{ on: "interval", everyMs: 100 }],
  code: [
    { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

/** Has seen enough, so that the pump runs when the blind call of the next run is refused. */
const seeing = program("irrigation", {
  capabilities: ["sensor.read", "gpio.write"],
  outputs: ["pump"],
  payload: { type: "object", properties: { look: { type: "boolean" } }, required: ["look"] },
  code: [
    { op: "PUSH", value: "$.payload.look" },
    { op: "JZ", label: "ACT" },
    { op: "CAP", name: "sensor.read", args: { input: "soil_moisture" } },
    { op: "POP" },
    { op: "LABEL", name: "ACT" },
    { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

async function levelOfPump(daemon: Daemon): Promise<unknown> {
  const status = await daemon.ask("status");
  const outputs =
    isJsonObject(status) && Array.isArray(status.outputs) ? status.outputs.filter(isJsonObject) : [];
  return outputs.find(({ name }) => name === "pump")?.level;
}

const eventsOf = async (dir: string, runId: unknown): Promise<readonly JsonObject[]> =>
  (await atRest(dir)).entries
    .filter(({ entry }) => entry.event.runId === runId)
    .map(({ entry: { event } }) => ({ kind: event.kind, ...event.data }));

test("a program that acts without having read anything is refused for want of evidence", async () => {
  await using folder = await TemporaryFolder.create();
  await deviceFolder(folder.path, { programs: [blind] });
  await using daemon = await Daemon.start(folder.path);

  let run: JsonObject = {};
  await until("a run", async () => {
    const listed = await daemon.ask("run.list", { program: "irrigation" });
    const runs = isJsonObject(listed) && Array.isArray(listed.runs) ? listed.runs.filter(isJsonObject) : [];
    run = runs[0] ?? run;
    return runs.length > 0;
  });
  const shown = await daemon.ask("run.show", { runId: run.runId ?? null });
  const level = await levelOfPump(daemon);
  await daemon.end("SIGTERM");

  expect(run).toMatchObject({ state: "failed", status: 412, reason: "no_evidence" });
  expect(shown).toMatchObject({
    run: { safeStates: ["pump"], outcome: { effects: [{ capability: "gpio.write", outcome: "refused" }] } },
  });
  expect(level).toBe(0);
  const events = await eventsOf(folder.path, run.runId);
  expect(events.map(({ kind }) => kind)).toEqual(["guard_refused", "fallback_used", "fallback_used", "run"]);
  expect(events[0]).toMatchObject({ effect: "gpio.write", output: "pump", reason: "no_evidence" });
  expect(events[1]).toMatchObject({ output: "pump", reason: "no_evidence" });
  expect(events.at(-1)).toMatchObject({ status: 412, error: { code: "no_evidence" } });
});

test("evidence of an earlier run does not help, and a running pump is switched off by the refusal", async () => {
  await using folder = await TemporaryFolder.create();
  await deviceFolder(folder.path, { programs: [seeing] });
  await using daemon = await Daemon.start(folder.path);

  const first = await daemon.ask("run.start", { program: "irrigation", payload: { look: true } });
  const pumping = await levelOfPump(daemon);
  const second = await daemon.ask("run.start", { program: "irrigation", payload: { look: false } });
  const after = await levelOfPump(daemon);
  await daemon.end("SIGTERM");

  expect(first).toMatchObject({ ok: true, state: "halted" });
  expect(pumping).toBe(1);
  expect(second).toMatchObject({ ok: false, status: 412, reason: "missing_required_kinds" });
  expect(after).toBe(0);
});
