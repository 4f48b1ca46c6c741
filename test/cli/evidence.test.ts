import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { hashJson, sha256Hex } from "../../firmware/core/hash.ts";
import { ContentStore } from "../../firmware/evidence/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { RunStore } from "../../firmware/runs/index.ts";
import { Deformed, imuctl, RUN_ID, stoppedDevice, tempDir } from "./support.ts";

const SECOND = ["evidence", "evidence", 1, "body"] as const;

/** Makes the record agree with itself again, as a careful forger would. */
function rehash(document: Deformed): void {
  const part = (name: string) => document.get("record", name);
  const [journal, limits, payload, trigger] = ["journal", "limits", "payload", "trigger"].map(part);
  document.set(["record", "inputHash"], hashJson({ journal, limits, payload, trigger }));
  document.set(["record", "outputHash"], hashJson(part("outcome")));
}

describe("a run carried to another machine", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let device: Awaited<ReturnType<typeof stoppedDevice>>;
  let file: string;

  beforeAll(async () => {
    dir = await tempDir();
    device = await stoppedDevice(join(dir.path, "device"));
    file = join(dir.path, "run.json");
    await imuctl(["evidence", "export", RUN_ID, "--out", file, "--config", device.config]);
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  const at = (name: string): string => join(dir.path, name);

  test("replays equal on the device, from the file, and from another state directory", async () => {
    const imported = await imuctl(["evidence", "import", file, "--state", at("look")]);
    const runs = await Promise.all([
      imuctl(["replay", RUN_ID, "--config", device.config]),
      imuctl(["replay", file]),
      imuctl(["replay", RUN_ID, "--state", at("look")]),
    ]);

    expect(imported.code, imported.err).toBe(0);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    for (const { out } of runs) {
      expect(out).toMatch(
        /^result\tequal\nrun\tr0\S+\nprogram\tsum\ninput\t[0-9a-f]{64}\noutput\t[0-9a-f]{64}\n/,
      );
      expect(out).toContain("sealed trace\tmatches\n");
    }
  });

  test("evidence shows what can be proven where it is looked at", async () => {
    await imuctl(["evidence", "import", file, "--state", at("look2")]);
    const home = await imuctl(["evidence", "show", RUN_ID, "--config", device.config, "--json"]);
    const away = await imuctl(["evidence", "show", RUN_ID, "--state", at("look2"), "--json"]);

    const states = ({ out }: { out: string }) =>
      JSON.parse(out).evidence.map(
        (one: { integrity: string; seal: string }) => `${one.integrity} ${one.seal}`,
      );
    expect(new Set(states(home))).toEqual(new Set(["intact good"]));
    expect(new Set(states(away))).toEqual(new Set(["intact unchecked"]));
  });

  test("importing twice is harmless, a different run under the same id is refused", async () => {
    const state = at("twice");
    await imuctl(["evidence", "import", file, "--state", state]);
    const again = await imuctl(["evidence", "import", file, "--state", state]);
    const other = new Deformed(await readFile(file, "utf8"));
    other.set(["record", "startedAt"], 1);
    await writeFile(at("other.json"), other.text);
    const conflict = await imuctl(["evidence", "import", at("other.json"), "--state", state]);

    expect(again.out).toContain("already there");
    expect(conflict.code).toBe(1);
    expect(conflict.err).toContain("run_exists");
  });

  test("a device's own state does not take in what another device ran", async () => {
    const stranger = await stoppedDevice(at("stranger"));

    const { code, err } = await imuctl(["evidence", "import", file, "--config", stranger.config]);

    expect(code).toBe(1);
    expect(err).toContain("wrong_device");
  });

  test.each<[string, (document: Deformed) => unknown, string]>([
    ["a changed payload", (d) => d.set(["record", "payload", "a"], 5), "input_hash_mismatch"],
    ["a changed outcome", (d) => d.set(["record", "outcome", "body", "sum"], 6), "output_hash_mismatch"],
    ["another program", (d) => d.set(["program", "version"], "1.0.1"), "program_hash_mismatch"],
    ["altered evidence", (d) => d.set([...SECOND, "payload", "wallMs"], 1), "digest_mismatch"],
    ["evidence of other trust", (d) => d.set([...SECOND, "trust"], 1), "id_mismatch"],
    ["a dropped record", (d) => d.list("evidence", "evidence").pop(), "evidence_mismatch"],
    ["another order of evidence", (d) => d.list("evidence", "evidence").reverse(), "malformed"],
    ["an unknown member", (d) => d.set(["extra"], 1), "malformed"],
    ["a journal of the wrong shape", (d) => d.set(["record", "journal"], [{ t: "call" }]), "malformed"],
    ["a run id with a path in it", (d) => d.set(["record", "runId"], "../../etc/passwd"), "malformed"],
    ["a foreign format", (d) => d.set(["format"], "imu.run-export/2"), "malformed"],
  ])("refuses %s and stores nothing", async (_, change, reason) => {
    const document = new Deformed(await readFile(file, "utf8"));
    change(document);
    const hostile = at(`hostile-${sha256Hex(document.text)}.json`);
    await writeFile(hostile, document.text);
    const state = at(`state-${sha256Hex(document.text)}`);

    const imported = await imuctl(["evidence", "import", hostile, "--state", state]);
    const replayed = await imuctl(["replay", hostile]);

    expect(imported.code).toBe(1);
    expect(imported.err).toContain(reason);
    expect(replayed.code).toBe(3);
    await expect(readFile(join(state, "db", "CURRENT"))).rejects.toThrow("ENOENT");
  });

  test.each([
    ["text that is no JSON", "{"],
    ["an array", "[]"],
    ["nesting without end", `${"[".repeat(200)}${"]".repeat(200)}`],
    ["a member twice", `{"format":"imu.run-export/1","format":"imu.run-export/1"}`],
    ["a prototype", `{"__proto__":{"format":"imu.run-export/1"},"record":{},"program":{},"evidence":{}}`],
    ["nothing", ""],
  ])("refuses a file with %s", async (_, text) => {
    const hostile = at("hostile.json");
    await writeFile(hostile, text);

    const { code, err } = await imuctl(["evidence", "import", hostile, "--state", at("never")]);

    expect(code).toBe(1);
    expect(err).toContain("malformed");
    expect(err).not.toMatch(/\n\s+at /);
  });

  test("a forged record whose hashes all fit is caught by the sealed trace", async () => {
    const document = new Deformed(await readFile(file, "utf8"));
    document.set(["record", "payload", "a"], 40);
    document.set(["record", "outcome", "body", "sum"], 43);
    rehash(document);
    const forged = at("forged.json");
    await writeFile(forged, document.text);

    const { code, out } = await imuctl(["replay", forged]);

    expect(code).toBe(2);
    expect(out).toContain("divergence: trace_mismatch");
  });

  test("a journal that the program does not follow diverges at its entry", async () => {
    const document = new Deformed(await readFile(file, "utf8"));
    document.set(["record", "journal", 0, "capability"], "gpio.read");
    rehash(document);
    const changed = at("diverging.json");
    await writeFile(changed, document.text);

    const { code, out } = await imuctl(["replay", changed]);

    expect(code).toBe(2);
    expect(out).toMatch(/^result\tdivergence: replay_divergence\n/);
    expect(out).toContain("journal entry\t0\n");
  });

  test("a record of another machine version cannot be replayed", async () => {
    const document = new Deformed(await readFile(file, "utf8"));
    document.set(["record", "vmVersion"], "imu-vm/9.0");
    await writeFile(at("newer.json"), document.text);

    const { code, out } = await imuctl(["replay", at("newer.json")]);

    expect(code).toBe(3);
    expect(out).toContain("cannot_replay: vm_version_unsupported");
  });

  test("a run whose record was altered in the store cannot be replayed", async () => {
    const state = at("altered");
    await imuctl(["evidence", "import", file, "--state", state]);
    {
      await using store = await LevelStore.open(join(state, "db"), { create: false });
      const content = new ContentStore({ store, wallMs: () => 0 });
      const { record } = await new RunStore(store, content).stored(RUN_ID);
      await store.batch([put("run", RUN_ID, encodeCbor({ ...record, payload: { a: 1, b: 1 } }))], {
        sync: true,
      });
    }

    const { code, err } = await imuctl(["replay", RUN_ID, "--state", state]);

    expect(code).toBe(3);
    expect(err).toContain("input_hash_mismatch");
  });

  test("an export never overwrites a file, and an unknown run is told", async () => {
    const again = await imuctl(["evidence", "export", RUN_ID, "--out", file, "--config", device.config]);
    const unknown = await imuctl(["evidence", "export", "r000", "--config", device.config]);

    expect(again.code).toBe(1);
    expect(again.err).toContain("file_exists");
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("not_found");
  });
});
