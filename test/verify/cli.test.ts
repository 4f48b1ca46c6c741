/** `imu-verify` as a process: its output for people and scripts, its exit codes; and what `imuctl export` refuses. */
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { imuctl } from "../cli/support.ts";
import { type Exported, exportedDevice } from "./exported-device.ts";

let device: Exported;
let bundle: string;

beforeAll(async () => {
  device = await exportedDevice();
  bundle = join(device.dir, "run.bundle");
  await device.run("export", "--run", device.runId, "--out", bundle);
  await writeFile(join(device.dir, "device.pub"), device.pem);
  await writeFile(join(device.dir, "witnesses"), `# of the fleet\n${device.witnesses.join("\n")}\n`);
});
afterAll(() => device[Symbol.asyncDispose]());

function imuVerify(args: readonly string[], input = "") {
  const main = join(PACKAGE_ROOT, "verify/main.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", main, ...args], {
    input,
  });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

const key = () => ["--key", join(device.dir, "device.pub")];

describe("imu-verify", () => {
  test("exits 0 and says for every item by which key it is proven", () => {
    const { status, out, err } = imuVerify([bundle, ...key(), "--witness", join(device.dir, "witnesses")]);

    expect(err).toBe("");
    expect(status).toBe(0);
    expect(out).toContain("proven\tentry 3\trun\tby imu.invalid/greenhouse/");
    expect(out).toMatch(/\nwitness\t.*\nwitness\t.*\nverified\n$/);
  });

  test("gives one document to scripts, and reads standard input", async () => {
    const { status, out } = imuVerify(["-", "--json", ...key()], await readFile(bundle, "utf8"));

    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ schema: "imu.verification/1", verdict: "verified", code: null });
  });

  test("exits 1 for what is refuted or unproven, and names it first", async () => {
    const text = await readFile(bundle, "utf8");
    const { status, out } = imuVerify(["-", ...key()], text.replace('"value":38.0', '"value":39.0'));

    expect(status).toBe(1);
    expect(out).toMatch(/^refuted\t/);
    expect(imuVerify([bundle, ...key(), "--quorum", "2"])).toMatchObject({ status: 1 });
  });

  test.each([
    ["no file", ["/nowhere", "--key", "0".repeat(64)]],
    ["no key", ["x"]],
    ["a key that is none", ["/dev/null", "--key", `x+00000000+AAAA`]],
    ["an option that is none", ["--what"]],
    ["a quorum that is none", ["/dev/null", "--key", "0".repeat(64), "--quorum", "many"]],
  ])("exits 2 for a question that is wrong: %s", (_, args) => {
    expect(imuVerify(args)).toMatchObject({ status: 2 });
  });
});

describe("imuctl export", () => {
  const refused = async (...argv: readonly string[]) => {
    const { code, err } = await imuctl(["export", ...argv, "--state", device.state]);
    expect(code).not.toBe(0);
    return err.split("\n")[0];
  };

  test("says why there is nothing to write", async () => {
    expect(await refused("--run", "r00000000000000000000")).toContain("not_found");
    expect(await refused("--from", "10")).toContain("args_invalid");
    expect(await refused("--to", "11")).toContain("not_covered");
    expect(await refused("--since", "11")).toContain("args_invalid");
    expect(await refused("--run", "r0", "--from", "1")).toContain("bad_usage");
    expect(await refused("--out", bundle)).toContain("file_exists");
  });

  test("leads from any size the reader knows, also one that was never signed", async () => {
    const text = await device.run("export", "--from", "9", "--since", "7");

    expect(text.split("\n")[2]).toMatch(/^\{"from":7,"proof":\[.*\],"t":"consistency"\}$/);
  });
});
