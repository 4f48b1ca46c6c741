/** Requests for runs, as triggers, commands and the control socket make them. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Device } from "../../firmware/composition/device.ts";
import { exportRun, readRunExport } from "../../firmware/composition/state-export.ts";
import { replayRun } from "../../firmware/composition/state-replay.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { HOSTILE_VALUES, PROTOTYPE_KEYS } from "./mutations.ts";

let folder: TemporaryFolder;
let device: Device;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  device = await openDevice(await loadConfig(new NodeFiles(), configPath), silentLog);
  await device.start();
});

afterAll(async () => {
  await device.stop("test");
  await folder[Symbol.asyncDispose]();
});

const command: JsonObject = { type: "command" };
const start = (program: string, payload: JsonObject, trigger: JsonObject = command) =>
  device.parts.runs.start({ program, payload, trigger });

it("are answered, never rejected, whatever payload or trigger they carry", async () => {
  for (const value of HOSTILE_VALUES) {
    for (const answer of [
      await start("climate", { a: value }),
      await start("climate", {}, { ...command, a: value }),
    ])
      if (!answer.ok) expect(answer.code).toMatch(/^[a-z][a-z0-9_]*$/);
  }
});

it("without a canonical form are refused and recorded without what cannot be hashed", async () => {
  const answer = await start("climate", { a: "\ud800" });

  expect(answer).toMatchObject({ ok: false, code: "not_canonical", status: 422 });
  const [last] = (await device.parts.state.ledger.reader.tail(20)).filter(
    ({ entry }) => entry.event.runId === answer.runId,
  );
  expect(last?.entry.event).toMatchObject({ kind: "guard_refused", data: { code: "not_canonical" } });
});

it.each([...PROTOTYPE_KEYS, "", "\ud800", "x".repeat(10_000), `${"x".repeat(63)}\u{1f600}`])(
  "for a program named %j find none",
  async (name) => {
    expect(await start(name, {})).toMatchObject({ ok: false, code: "unknown_program" });
  },
);

it("leave the device running", async () => {
  const answer = await start("climate", {});

  expect(answer.ok || answer.code).not.toBe("vm_internal");
});

it("with members named like those of every object are recorded and replayed as they came", async () => {
  const payload = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":[]}') as JsonObject;
  const { runs, state, loader } = device.parts;
  let answer = await start("climate", payload);
  for (let i = 0; i < 50 && !answer.ok && answer.code === "concurrency_exceeded"; i++) {
    await state.clock.sleep(20);
    answer = await start("climate", payload);
  }

  const exported = readRunExport(await exportRun(state.store, state.content, answer.runId));

  expect(runs.set.programs.has("climate")).toBe(true);
  if (!exported.ok) throw new Error(exported.code);
  expect(JSON.stringify(exported.record.payload)).toBe(JSON.stringify(payload));
  expect(replayRun(exported, loader.view)).toMatchObject({ verdict: "equal" });
});
