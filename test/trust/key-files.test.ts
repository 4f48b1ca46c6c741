import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { loadDeviceKey, loadMasterKey, storeDeviceKey } from "../../firmware/fleet/index.ts";

describe("the device's key files", () => {
  const files = new NodeFiles();
  const pair = keyPairFromSeed(new Uint8Array(32).fill(5));
  let base: string;
  let directory: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "imu-keys-"));
    directory = join(base, "keys");
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const why = async (load: Promise<unknown>): Promise<string> => {
    const error = await load.then(
      () => null,
      (thrown: { requirement?: { why: string } }) => thrown,
    );
    return error?.requirement?.why.split(":")[0] ?? "loaded";
  };

  it("come back as they were stored, and are never overwritten", async () => {
    await storeDeviceKey(files, directory, pair);
    expect((await loadDeviceKey(files, directory)).publicKeyHex).toBe(pair.publicKeyHex);
    await expect(storeDeviceKey(files, directory, pair)).rejects.toMatchObject({ code: "already_exists" });
  });

  it("refuse to be used when missing, shared, linked, or damaged", async () => {
    expect(await why(loadDeviceKey(files, directory))).toBe("key_missing");
    await storeDeviceKey(files, directory, pair);
    const path = join(directory, "device.key");
    chmodSync(path, 0o640);
    expect(await why(loadDeviceKey(files, directory))).toBe("key_permissions");
    chmodSync(path, 0o600);
    chmodSync(directory, 0o777);
    expect(await why(loadDeviceKey(files, directory))).toBe("key_permissions");
    chmodSync(directory, 0o700);
    expect(await why(loadDeviceKey(files, directory))).toBe("loaded");
    renameSync(path, join(directory, "elsewhere"));
    symlinkSync(join(directory, "elsewhere"), path);
    expect(await why(loadDeviceKey(files, directory))).toBe("key_permissions");
    rmSync(path);
    writeFileSync(path, "no key", { mode: 0o600 });
    expect(await why(loadDeviceKey(files, directory))).toBe("key_malformed");
    writeFileSync(join(directory, "master.key"), new Uint8Array(31), { mode: 0o600 });
    expect(await why(loadMasterKey(files, directory))).toBe("key_malformed");
  });
});
