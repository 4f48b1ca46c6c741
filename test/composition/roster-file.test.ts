import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { rosterDocument } from "../../firmware/composition/init-documents.ts";
import { addToRoster, devicesIn, mergeRoster, readRosters } from "../../firmware/composition/roster-file.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { generateKeyPair, publicKeyPem } from "../../firmware/core/ed25519.ts";
import { deviceIdOf } from "../../firmware/core/key-record.ts";
import { readRoster } from "../../firmware/sync/index.ts";

const NOW = 1_800_000_000_000;
const files = new NodeFiles();
const [KEY_A, KEY_B] = [generateKeyPair().publicKeyHex, generateKeyPair().publicKeyHex];
const rosterOf = (deviceKey: string, fleet = "orchard"): Uint8Array =>
  utf8(JSON.stringify(rosterDocument({ fleet, nowMs: NOW, version: 1, deviceKey, board: "sim" })));
const facts = { fleet: "orchard", board: "raspberry-pi-4", name: "other" };

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "imu-roster-"));
  path = join(dir, "roster.json");
  await writeFile(path, rosterOf(KEY_A));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("a roster of several devices", () => {
  it.each([
    ["another device's roster", rosterOf(KEY_B), "sim"],
    ["a public key", utf8(publicKeyPem(KEY_B)), "raspberry-pi-4"],
  ])("takes a device from %s and keeps its predecessor beside it", async (_what, bytes, board) => {
    const before = await readFile(path);
    const added = await addToRoster(files, path, devicesIn(bytes, facts), NOW + 5);
    expect(added).toMatchObject({ version: 2, added: [deviceIdOf(KEY_B)] });
    expect(added.files).toEqual([path, join(dir, "roster.1.json")]);
    expect(await readFile(join(dir, "roster.1.json"))).toEqual(before);
    const [current, older] = await readRosters(files, path);
    expect([...current.devices.keys()]).toEqual([deviceIdOf(KEY_A), deviceIdOf(KEY_B)]);
    expect(older?.version).toBe(1);
    expect(current.documents).toEqual(older?.documents);
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ devices: [{}, { board }] });
  });

  it("changes nothing when the device is in it already", async () => {
    const before = await readFile(path);
    const added = await addToRoster(files, path, devicesIn(rosterOf(KEY_A), facts), NOW + 5);
    expect(added).toMatchObject({ version: 1, added: [], files: [path] });
    expect(await readFile(path)).toEqual(before);
  });

  it("refuses a device of another fleet, a known id with another key, and what is neither roster nor key", () => {
    expect(() => devicesIn(rosterOf(KEY_B, "meadow"), facts)).toThrow(
      expect.objectContaining({ code: "wrong_fleet" }),
    );
    const [row] = devicesIn(rosterOf(KEY_B), facts);
    const impostor = { ...row, id: deviceIdOf(KEY_A) };
    expect(() => mergeRoster(rosterOf(KEY_A), [impostor], NOW)).toThrow(
      expect.objectContaining({ code: "roster_key_mismatch" }),
    );
    expect(() => devicesIn(utf8("[]"), facts)).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => devicesIn(utf8("-----BEGIN NOTHING"), facts)).toThrow(
      expect.objectContaining({ code: "key_malformed" }),
    );
  });

  it("ignores files that only look like predecessors and refuses one of another fleet", async () => {
    await writeFile(join(dir, "roster.old.json"), "not read");
    await writeFile(
      join(dir, "roster.9.json"),
      JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), version: 9 }),
    );
    expect((await readRosters(files, path)).map(({ version }) => version)).toEqual([1]);
    await writeFile(join(dir, "roster.0.json"), rosterOf(KEY_B, "meadow"));
    await expect(readRosters(files, path)).rejects.toMatchObject({ code: "wrong_fleet" });
  });

  it("gives a roster that devices can read, valid for a year at least", () => {
    const { bytes } = mergeRoster(rosterOf(KEY_A), devicesIn(rosterOf(KEY_B), facts), NOW + 86_400_000);
    expect(readRoster(bytes)).toMatchObject({ version: 2, expiresAt: NOW + 366 * 86_400_000 });
  });
});
