import { join } from "node:path";
import { expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { Daemon, imuctl, TemporaryFolder, until } from "../support/daemon.ts";
import { atRest } from "./device-folder.ts";

const FIRST_ACTUATION_MS = 10_000;

const rows = (value: Json, name: string): readonly JsonObject[] => {
  const list = isJsonObject(value) ? value[name] : null;
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
};

/** The entry of a run that has switched a relay with the guard's consent. */
function actuation(entries: readonly JsonObject[]): JsonObject | undefined {
  return entries.find(({ event }) => {
    if (!isJsonObject(event ?? null)) return false;
    const { kind, data } = event as JsonObject;
    if (kind !== "run" || !isJsonObject(data ?? null)) return false;
    return rows(data as JsonObject, "effects").some(
      ({ capability, output, outcome }) =>
        capability === "gpio.write" && (output === "fan" || output === "pump") && outcome === "ok",
    );
  });
}

const socketIsThere = async (daemon: Daemon): Promise<boolean> =>
  daemon.ask("ledger.head").then(
    () => true,
    () => false,
  );

test("the demonstration says that it is simulated, switches a relay with evidence, and ends with safe outputs", async () => {
  await using folder = await TemporaryFolder.create();
  const startedAt = performance.now();
  await using daemon = Daemon.spawn(folder.path, { args: ["demo", "--dir", folder.path] });

  let entry: JsonObject | undefined;
  await until("the control socket answers", () => socketIsThere(daemon));
  await until("a relay is switched", async () => {
    entry = actuation(rows(await daemon.ask("ledger.tail", { n: 1000 }), "entries"));
    return entry !== undefined;
  });
  const actuatedMs = performance.now() - startedAt;
  const status = await daemon.ask("status");
  const stoppingAt = performance.now();
  const ended = await daemon.end("SIGINT");
  const stopMs = performance.now() - stoppingAt;

  expect(actuatedMs).toBeLessThan(FIRST_ACTUATION_MS);
  expect(daemon.out.split("\n")[0]).toMatch(/SIMULATED/);
  expect(status).toMatchObject({ simulated: true, state: "locked", board: "sim" });
  expect(entry?.event).toMatchObject({ sim: true, data: { evidenceCount: expect.any(Number) } });
  expect(ended).toEqual({ code: 0, signal: null });
  expect(stopMs).toBeLessThan(3000);
  expect(daemon.out).toMatch(/safe states \(shutdown\): fan → 0, pump → 0/);
  expect(daemon.out.trimEnd().split("\n").at(-1)).toBe(
    "imud demo: stopped; every output is in its safe state.",
  );
  expect(daemon.err).toBe("");
  const verified = await imuctl(["--config", join(folder.path, "imud.yaml"), "--json", "ledger", "verify"]);
  expect(verified.code).toBe(0);
  const { report, entries } = await atRest(folder.path);
  expect(report).toMatchObject({ ok: true, headChecked: true, checkpointsChecked: true, warnings: [] });
  expect(JSON.parse(verified.out)).toMatchObject({
    ok: true,
    size: entries.length,
    lastHash: report.lastHash,
  });
  expect(entries.at(-1)?.entry.event).toMatchObject({ kind: "shutdown", data: { reason: "SIGINT" } });
});

test("a demonstration that is interrupted while it starts ends cleanly too", async () => {
  await using folder = await TemporaryFolder.create();
  await using daemon = Daemon.spawn(folder.path, { args: ["demo", "--dir", folder.path] });

  await daemon.says("A greenhouse");
  const ended = await daemon.end("SIGTERM");

  expect(ended).toEqual({ code: 0, signal: null });
  expect(daemon.out).toContain("safe states (shutdown)");
  expect((await atRest(folder.path)).report.ok).toBe(true);
});
