/** The formats as others read them: a script in Python, and a checkpoint with openssl and coreutils alone. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { formatVkey, TYPE_ED25519, verifierKey } from "../../firmware/ledger/index.ts";
import { type Exported, exportedDevice } from "./exported-device.ts";
import { strangerKey, TAMPERS } from "./tampered.ts";

const HERE = join(PACKAGE_ROOT, "test/verify");

/** Names that the script does not give: it does not ask what a record was before it was altered. */
const PLAINER: Readonly<Record<string, readonly string[]>> = {
  trust_raised: ["evidence_id_mismatch", "evidence_not_included"],
  freshness_extended: ["evidence_id_mismatch", "evidence_not_included"],
};

let device: Exported;
let range: string;

beforeAll(async () => {
  device = await exportedDevice();
  range = await device.run("export", "--content");
});
afterAll(() => device[Symbol.asyncDispose]());

async function stored(name: string, text: string): Promise<string> {
  const path = join(device.dir, name);
  await writeFile(path, text);
  return path;
}

function answer(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args);
  return { status, said: `${stdout}${stderr}`.trim() };
}

const python = (path: string, log = device.log) =>
  answer("python3", join(HERE, "verify.py"), path, log, ...device.witnesses);

describe("verify.py", () => {
  test("proves what imuctl exports", async () => {
    const run = await device.run("export", "--run", device.runId);

    expect(python(await stored("good.bundle", range))).toEqual({ status: 0, said: "verified" });
    expect(python(await stored("run.bundle", run))).toEqual({ status: 0, said: "verified" });
  });

  test.each(TAMPERS)("$name: $code", async ({ code, change }) => {
    const { status, said } = python(await stored("bad.bundle", change(range)));

    expect(status).toBe(1);
    expect(PLAINER[code] ?? [code]).toContain(said);
  });

  test("does not take another device's key", async () => {
    await using other = await exportedDevice();

    expect(python(await stored("good.bundle", range), other.log)).toEqual({
      status: 1,
      said: "wrong_origin",
    });
  });
});

describe("checkpoint.sh", () => {
  const shell = (path: string, log = device.log) => answer("sh", join(HERE, "checkpoint.sh"), path, log);

  test("proves a checkpoint with openssl and coreutils", async () => {
    const { status, said } = shell(await stored("good.note", device.note));

    expect(said).toMatch(/^verified: 10 entries, root [A-Za-z0-9+/]{43}=$/);
    expect(status).toBe(0);
  });

  test.each([
    ["another size", (note: string) => note.replace("\n10\n", "\n11\n"), "bad_signature"],
    ["another origin", (note: string) => `x${note}`, "wrong_origin"],
    [
      "no signature of the log",
      (note: string) => note.replace(/\n\u2014[^\n]+/, "\n\u2014 x AAAAAAAA"),
      "wrong_key",
    ],
    ["a fourth line", (note: string) => note.replace("\n\n", "\nmore\n\n"), "bad_note"],
  ])("%s: %s", async (_, change, code) => {
    expect(shell(await stored("bad.note", change(device.note)))).toEqual({ status: 1, said: code });
  });

  test("does not take another key of the same name", async () => {
    const name = device.log.split("+")[0] ?? "";
    const stranger = formatVkey(verifierKey(name, TYPE_ED25519, strangerKey.publicKeyHex));

    expect(shell(await stored("good.note", device.note), stranger)).toEqual({ status: 1, said: "wrong_key" });
    expect(shell(await stored("good.note", device.note), `x${device.log}`)).toEqual({
      status: 1,
      said: "bad_key",
    });
  });
});
