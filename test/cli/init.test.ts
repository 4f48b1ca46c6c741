import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { keyPairFromPem } from "../../firmware/core/ed25519.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { readAuthority } from "../../firmware/fleet/index.ts";
import { compilePolicy } from "../../firmware/policy/index.ts";
import { readRoster } from "../../firmware/sync/index.ts";
import { imuctl, tempDir } from "./support.ts";

const files = new NodeFiles();
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

async function tree(dir: string): Promise<readonly (readonly [string, string])[]> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  return Promise.all(paths.sort().map(async (path) => [path, await readFile(path, "base64")] as const));
}

describe("imuctl init", () => {
  test("creates a device whose every document the daemon's own readers accept", async () => {
    await using dir = await tempDir();

    const { code, err } = await imuctl(["init", "--dir", dir.path, "--board", "sim", "--fleet", "plant"]);

    expect(code, err).toBe(0);
    const config = await loadConfig(files, join(dir.path, "imud.yaml"));
    const identity = await loadIdentity(files, config.stateDir);
    const operator = keyPairFromPem(await readFile(join(dir.path, "operator/operator.key"), "utf8"));
    const operatorId = keyIdOf(operator.publicKeyHex);
    const authority = readAuthority(await readFile(join(dir.path, "authority.json")), "plant");
    expect(authority.keys.get(operatorId)?.scopes).toEqual(["command", "deploy"]);
    const roster = readRoster(await readFile(join(dir.path, "roster.json")));
    expect(roster.devices.get(identity.deviceId)?.publicKey).toBe(identity.pair.publicKeyHex);
    const compiled = compilePolicy(await readFile(config.policyFile));
    expect(compiled.ok && compiled.policy.subjects[`operator:${operatorId}`]?.keys).toEqual([operatorId]);
  });

  test("keeps secrets to their owner", async () => {
    await using dir = await tempDir();

    await imuctl(["init", "--dir", dir.path, "--board", "sim"]);

    const modes = await Promise.all(
      [
        "operator",
        "operator/operator.key",
        "state/keys",
        "state/keys/device.key",
        "state/keys/master.key",
      ].map((name) => modeOf(join(dir.path, name))),
    );
    expect(modes).toEqual([0o700, 0o600, 0o700, 0o600, 0o600]);
  });

  test("refuses to overwrite anything and changes nothing", async () => {
    await using dir = await tempDir();
    await imuctl(["init", "--dir", dir.path, "--board", "sim"]);
    const before = await tree(dir.path);

    const { code, err } = await imuctl(["init", "--dir", dir.path, "--board", "sim"]);

    expect(code).toBe(1);
    expect(err).toContain("already_initialised");
    expect(await tree(dir.path)).toEqual(before);
  });

  test("one file that is there already is enough to refuse", async () => {
    await using dir = await tempDir();
    await writeFile(join(dir.path, "policy.json"), "mine");

    const { code } = await imuctl(["init", "--dir", dir.path, "--board", "sim"]);

    expect(code).toBe(1);
    expect(await tree(dir.path)).toHaveLength(1);
  });

  test("--force rewrites documents, keeps every key and raises the list's version", async () => {
    await using dir = await tempDir();
    await imuctl(["init", "--dir", dir.path, "--board", "sim", "--fleet", "plant"]);
    const keys = ["operator/operator.key", "state/keys/device.key", "state/keys/master.key"];
    const before = await Promise.all(keys.map((name) => readFile(join(dir.path, name))));

    const { code, err } = await imuctl([
      "init",
      "--dir",
      dir.path,
      "--board",
      "sim",
      "--fleet",
      "plant",
      "--force",
    ]);

    expect(code, err).toBe(0);
    expect(await Promise.all(keys.map((name) => readFile(join(dir.path, name))))).toEqual(before);
    expect(readAuthority(await readFile(join(dir.path, "authority.json")), "plant").version).toBe(2);
  });

  test("takes an operator's public key and creates no private one", async () => {
    await using dir = await tempDir();
    await using other = await tempDir();
    await imuctl(["init", "--dir", other.path, "--board", "sim"]);

    const { code } = await imuctl([
      ...["init", "--dir", dir.path, "--board", "sim"],
      ...["--operator-key", join(other.path, "operator/operator.pub")],
    ]);

    expect(code).toBe(0);
    expect(await files.info(join(dir.path, "operator"))).toBeNull();
  });

  test.each([
    ["an unknown board", ["--board", "toaster"], "unknown_board", 1],
    ["a fleet name that is no topic", ["--board", "sim", "--fleet", "Plant/1"], "bad_fleet", 1],
    [
      "a broker address with a password in it",
      ["--board", "sim", "--broker", "mqtt://u:p@h"],
      "bad_usage",
      2,
    ],
  ])("refuses %s and writes nothing", async (_, options, reason, exit) => {
    await using dir = await tempDir();

    const { code, err } = await imuctl(["init", "--dir", dir.path, ...options]);

    expect(code).toBe(exit);
    expect(err).toContain(reason);
    expect(await readdir(dir.path)).toEqual([]);
  });

  test("a file that is no key is refused before anything is written", async () => {
    await using dir = await tempDir();
    await using other = await tempDir();
    const fake = join(other.path, "fake.pem");
    await writeFile(fake, "-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n");
    await chmod(fake, 0o600);

    const { code, err } = await imuctl(["init", "--dir", dir.path, "--board", "sim", "--operator-key", fake]);

    expect(code).toBe(1);
    expect(err).toContain("key_malformed");
    expect(await readdir(dir.path)).toEqual([]);
  });
});
