/** Orders of an operator about the daemon's memory: `ledger prune` and `rescue accept`. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlServer } from "../../firmware/adapters/control-socket.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { imuctl, stoppedDevice, tempDir } from "./support.ts";

let dir: Awaited<ReturnType<typeof tempDir>>;
let device: Awaited<ReturnType<typeof stoppedDevice>>;
const asked: (readonly [method: string, params: JsonObject])[] = [];

beforeAll(async () => {
  dir = await tempDir();
  device = await stoppedDevice(join(dir.path, "device"));
  await mkdir(join(dir.path, "device/run"), { recursive: true });
});
afterAll(() => dir[Symbol.asyncDispose]());

/** A daemon that gives one answer, or refuses. */
const daemon = (answer: JsonObject | CodedError) =>
  ControlServer.listen(join(dir.path, "device/run/imud.sock"), async (method, params) => {
    asked.push([method, params]);
    if (answer instanceof CodedError) throw answer;
    return answer;
  });

const order = (...argv: string[]) => imuctl([...argv, "--config", device.config]);

const round = (change: JsonObject = {}): JsonObject => ({
  at: 1,
  log: { minIndex: 512, pruned: 256, notes: 3, tiles: 0, bytes: 70_000, unwitnessed: false, ...change },
  runs: { records: 5, envelopes: 60, blobs: 1, recordBytes: 9, evidenceBytes: 9 },
});

test("prunes by the daemon's own limits, or by those that are given", async () => {
  await using _daemon = await daemon(round());
  asked.length = 0;

  const plain = await order("ledger", "prune");
  await order("ledger", "prune", "--max-days", "30", "--max-bytes", "0", "--unwitnessed");

  expect([plain.code, plain.err]).toEqual([0, ""]);
  expect(plain.out).toBe(
    "pruned entries\t256\nfirst entry\t512\nbytes left\t70000\nnotes removed\t3\nrun records removed\t5\nevidence removed\t60\n",
  );
  expect(asked).toEqual([
    ["ledger.prune", {}],
    ["ledger.prune", { maxDays: 30, maxBytes: 0, unwitnessed: true }],
  ]);
});

test("says when entries stay for want of witnesses, and exits 1; --json is the daemon's answer", async () => {
  await using _daemon = await daemon(round({ pruned: 0, unwitnessed: true }));

  const { code, out, err } = await order("ledger", "prune", "--json");

  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual(round({ pruned: 0, unwitnessed: true }));
  expect(err).toContain("--unwitnessed");
});

test.each([
  ["--max-days", "many"],
  ["--max-bytes", "-1"],
  ["--max-bytes", "1.5"],
])("%s %s is bad usage, and nothing is asked", async (flag, value) => {
  await using _daemon = await daemon(round());
  asked.length = 0;

  const { code, err } = await order("ledger", "prune", `${flag}=${value}`);

  expect([code, asked]).toEqual([2, []]);
  expect(err).toContain(flag);
});

test("accepts what was rescued, and says when it counts", async () => {
  await using _daemon = await daemon({ accepted: true, restart: true });
  asked.length = 0;

  const { code, out, err } = await order("rescue", "accept");

  expect([code, out, asked]).toEqual([0, "rescue\taccepted\n", [["rescue.accept", {}]]]);
  expect(err).toContain("from the next start");
});

test("says why there is nothing to accept, and where no daemon answers", async () => {
  {
    await using _daemon = await daemon(
      new CodedError("not_found", "No rescue keeps programs from running.", { status: 404 }),
    );
    const { code, err } = await order("rescue", "accept");
    expect(code).toBe(1);
    expect(err).toContain("No rescue keeps programs from running.");
  }
  for (const argv of [
    ["rescue", "accept"],
    ["ledger", "prune"],
  ]) {
    const { code, out } = await order(...argv, "--json");
    expect([code, JSON.parse(out)]).toMatchObject([1, { error: { code: "daemon_not_running" } }]);
  }
});
