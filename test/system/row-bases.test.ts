/** In the daemon, runs are kept as differences: a base is written once, and again after garbage was looked for. */
import { expect, test } from "vitest";
import type { Device } from "../../firmware/composition/device.ts";
import { irrigation, runOnce, withDevice } from "./one-run.ts";

const BASES = ["evbase", "runbase"] as const;

/** Whether a run has written bases; it is read back through them. */
async function basesOfARun(device: Device): Promise<readonly boolean[]> {
  const { watched, content, runs } = device.parts.state;
  for (const sub of BASES) watched.takeWritten(sub);
  const { record } = await runOnce(device);
  const written = BASES.map((sub) => watched.takeWritten(sub) > 0);
  expect(await runs.read(record.runId)).toEqual(record);
  expect((await content.evidenceOfRun(record.runId)).map(({ id }) => id)).toEqual(record.evidence);
  return written;
}

test("a base is written once, and again after a collection of garbage", async () => {
  const still = irrigation([{ op: "HALT" }]);
  await withDevice(
    still,
    (policy) => policy,
    async (device) => {
      expect(await basesOfARun(device)).toEqual([true, true]);
      expect(await basesOfARun(device)).toEqual([false, false]);

      // The first round of the daemon's own retention looks for garbage.
      await device.parts.care?.housekeeping.round();
      expect(await basesOfARun(device)).toEqual([true, true]);
    },
  );
});
