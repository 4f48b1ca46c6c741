/** Real processes: the exit codes and streams that scripts see. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { RUN_ID, stoppedDevice, tempDir } from "./support.ts";

const ENTRY = join(PACKAGE_ROOT, "firmware/cli/main.ts");

function imuctl(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const options = { cwd: PACKAGE_ROOT, timeout: 30_000 };
    execFile(process.execPath, ["--import", "tsx", ENTRY, ...argv], options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}

describe("imuctl as a process", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let device: Awaited<ReturnType<typeof stoppedDevice>>;

  beforeAll(async () => {
    dir = await tempDir();
    device = await stoppedDevice(join(dir.path, "device"));
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  test("verifies a ledger and replays a run without a daemon", async () => {
    const verified = await imuctl("ledger", "verify", "--config", device.config);
    const replayed = await imuctl("replay", RUN_ID, "--config", device.config);

    expect([verified.code, replayed.code]).toEqual([0, 0]);
    expect(replayed.out).toMatch(/^result\tequal\n/);
  });

  test("exits 2 for bad usage and 3 for a ledger that is not there", async () => {
    const [usage, unreadable] = await Promise.all([
      imuctl("ledger", "tail", "-n", "x"),
      imuctl("ledger", "verify", "--state", join(dir.path, "nowhere")),
    ]);

    expect([usage.code, unreadable.code]).toEqual([2, 3]);
    expect(`${usage.err}${unreadable.err}`).not.toMatch(/\n\s+at /);
  });
});
