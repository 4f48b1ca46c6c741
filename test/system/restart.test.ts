import { expect, test } from "vitest";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import { Daemon, TemporaryFolder } from "../support/daemon.ts";
import { atRest, deviceFolder } from "./device-folder.ts";

const sizeOf = (head: Json): number => (isJsonObject(head) ? Number(head.size) : Number.NaN);

test("a daemon that is stopped and started goes on where it was: ledger, budgets, programs", async () => {
  await using folder = await TemporaryFolder.create();
  await deviceFolder(folder.path);
  const sizes: number[] = [];

  for (let life = 0; life < 3; life++) {
    await using daemon = await Daemon.start(folder.path);
    sizes.push(sizeOf(await daemon.ask("ledger.head")));
    for (const program of ["climate", "irrigation", "door-alarm"])
      expect(await daemon.ask("run.start", { program }), `life ${life}`).toMatchObject({ ok: true });
    expect(await daemon.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }

  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  expect(new Set(sizes).size).toBe(3);
  const { report, entries } = await atRest(folder.path);
  expect(report).toMatchObject({ ok: true, epoch: 0, warnings: [] });
  const boots = entries.filter(({ entry }) => entry.event.kind === "boot");
  expect(boots.map(({ entry }) => entry.event.data.unclean)).toEqual([false, false, false]);
});
