import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { readRosters } from "../../firmware/composition/roster-file.ts";
import { imuctl, tempDir } from "./support.ts";

const init = (dir: string, fleet: string) =>
  imuctl(["init", "--dir", dir, "--board", "sim", "--fleet", fleet]);

describe("imuctl roster", () => {
  test("makes one roster of two devices that were initialised apart, and says what to copy", async () => {
    await using folder = await tempDir();
    const [a, b] = [join(folder.path, "a"), join(folder.path, "b")];
    await init(a, "orchard");
    await init(b, "orchard");

    const config = ["--config", join(a, "imud.yaml")];
    const added = await imuctl([...config, "roster", "add", join(b, "roster.json")]);

    expect(added.code, added.err).toBe(0);
    expect(added.err).toContain("copy roster.json, roster.1.json");
    const [roster] = await readRosters(new NodeFiles(), join(a, "roster.json"));
    expect(roster).toMatchObject({ version: 2, fleet: "orchard" });
    const { out } = await imuctl([...config, "roster", "list"]);
    for (const id of roster.devices.keys()) expect(out).toContain(`${id} active`);
    expect(roster.devices.size).toBe(2);
    const again = await imuctl([...config, "roster", "add", join(b, "state/keys/device.pub")]);
    expect(again).toMatchObject({ code: 0, err: expect.stringContaining("nothing was changed") });
  });

  test("refuses a device of another fleet and leaves the roster as it was", async () => {
    await using folder = await tempDir();
    const [a, b] = [join(folder.path, "a"), join(folder.path, "b")];
    await init(a, "orchard");
    await init(b, "meadow");

    const path = join(a, "roster.json");
    const added = await imuctl(["roster", "add", "--roster", path, join(b, "roster.json")]);

    expect(added).toMatchObject({ code: 1, err: expect.stringContaining("wrong_fleet") });
    expect((await readRosters(new NodeFiles(), path)).map(({ version }) => version)).toEqual([1]);
  });
});
