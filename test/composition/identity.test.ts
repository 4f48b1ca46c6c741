import { chmod, mkdtemp, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { createIdentity, loadIdentity } from "../../firmware/composition/identity.ts";

let state: string;
const files = new NodeFiles();
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "imu-identity-"));
  await createIdentity(files, new SystemEntropy(), state);
});
afterEach(() => rm(state, { recursive: true, force: true }));
const key = () => join(state, "keys", "device.key");

describe("the device's identity", () => {
  test("is the same at every start and closed to others", async () => {
    const first = await loadIdentity(files, state);
    const second = await loadIdentity(files, state);

    expect(second.deviceId).toBe(first.deviceId);
    expect(first.deviceId).toMatch(/^imu-[0-9a-f]{16}$/);
    expect((await stat(key())).mode & 0o777).toBe(0o600);
    expect(second.headKey).toEqual(first.headKey);
    expect(first.headKey).not.toEqual(first.seal.key);
  });

  test("is never created over an existing one", async () => {
    await expect(createIdentity(files, new SystemEntropy(), state)).rejects.toMatchObject({
      code: "already_initialised",
    });
  });

  test.each([
    ["a key open to the group", () => chmod(key(), 0o640), "key_permissions", "chmod 600"],
    [
      "a key behind a link",
      async () => {
        await unlink(key());
        await symlink("/etc/hostname", key());
      },
      "key_permissions",
      "",
    ],
    ["a missing key", () => unlink(key()), "key_missing", "imuctl init"],
    ["a key that is no key", () => writeFile(key(), "hello"), "key_malformed", ""],
    ["a folder others may write", () => chmod(join(state, "keys"), 0o777), "key_permissions", "chmod 700"],
    ["a short master key", () => writeFile(join(state, "keys", "master.key"), "x"), "key_malformed", ""],
  ])("refuses the start for %s", async (_name, damage, code, command) => {
    await damage();

    const error = await loadIdentity(files, state).then(
      () => null,
      (caught: unknown) => caught,
    );

    expect(error).toMatchObject({ code: "resource_required", cause: { code } });
    expect(JSON.stringify((error as { details: object }).details)).toContain(command);
  });
});
