/** imuctl program build, check and disasm: sources in, documents with maps out, problems at their lines. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GREENHOUSE } from "../../firmware/composition/package-info.ts";
import { programHash } from "../../firmware/vm/index.ts";
import { imuctl, SUM_PROGRAM, tempDir } from "./support.ts";

const TEXT = `.program sum
.version 1.0.0
.capabilities clock.now

  CAP clock.now {}
  STORE %clock
  PUSH ref=$.payload.a
  PUSH ref=$.payload.b
  ADD
  STORE %sum
  EVIDENCE "a+b=sum" sources=["vm://sum"]
  RESPOND 200 { sum: %sum }
`;

const TYPESCRIPT = `import { gpio, sensor, type Program } from "imu";

export const program = {
  name: "fan",
  version: "1.0.0",
  outputs: ["fan"],
} satisfies Program;

export function main(): void {
  if (sensor.read("air_temperature").value === 20) gpio.write("fan", 1);
}
`;

async function folder(files: Readonly<Record<string, string>>) {
  const dir = await tempDir();
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir.path, name), text);
  const run = (...argv: string[]) => imuctl(["program", ...argv], { cwd: dir.path });
  const read = (name: string) => readFile(join(dir.path, name), "utf8");
  return { ...dir, path: dir.path, run, read };
}

describe("imuctl program build", () => {
  test("a text becomes a document with its map, and the document is the same", async () => {
    await using dir = await folder({ "sum.imu": TEXT });

    const { code, out, err } = await dir.run("build", "sum.imu", "--out", "made/here");

    expect([code, err]).toEqual([0, ""]);
    expect(out.split("\t").slice(0, 2)).toEqual(["made/here/sum.json", programHash(SUM_PROGRAM)]);
    const map = JSON.parse(await dir.read("made/here/sum.json.map"));
    expect(map).toMatchObject({
      version: 3,
      file: "sum.json",
      sources: ["../../sum.imu"],
      x_programHash: programHash(SUM_PROGRAM),
    });
    expect(JSON.parse(await dir.read("made/here/sum.json"))).toEqual(SUM_PROGRAM);
  });

  test("TypeScript becomes a document that verifies; files of types are left out", async () => {
    await using dir = await folder({ "fan.ts": TYPESCRIPT, "imu.d.ts": "declare const x: 1;" });

    const built = await dir.run("build", "fan.ts");
    const all = await dir.run("check", "fan.ts", "imu.d.ts");
    expect([all.code, all.err]).toEqual([0, "imuctl: imu.d.ts holds types only; it is left out\n"]);
    const checked = await dir.run("check", "fan.json", "fan.ts");

    expect([built.code, built.err]).toEqual([0, ""]);
    expect(checked.code).toBe(0);
    expect(
      new Set(
        checked.out
          .trimEnd()
          .split("\n")
          .map((row) => row.split("\t")[2]),
      ).size,
    ).toBe(1);
  });

  test("problems are printed as compilers do, all of them; what is right is written all the same", async () => {
    await using dir = await folder({
      "sum.imu": TEXT,
      "bad.imu": `${TEXT}  PUSHX\n  PUSH sum\n`,
      "loose.imu": TEXT.replace("ADD", "ADD\n  ADD"),
    });

    const { code, out, err } = await dir.run("build", "bad.imu", "loose.imu", "sum.imu", "none.imu");

    expect(code).toBe(1);
    expect(out.trimEnd().split("\n")).toHaveLength(1);
    expect(err).toContain("bad.imu:13:3: unknown_opcode: PUSHX is no instruction.\n  hint: write PUSH.\n");
    expect(err).toContain('bad.imu:14:8: bad_value: sum is no value.\n  hint: quote a text: "sum"');
    expect(err).toContain("loose.imu:10:3: stack_underflow: ");
    expect(err).toContain("none.imu:1:1: not_found: ");
    expect((await readdir(dir.path)).sort()).toEqual([
      "bad.imu",
      "loose.imu",
      "sum.imu",
      "sum.json",
      "sum.json.map",
    ]);
  });

  test("--no-map removes the map of an earlier build, and nothing else of that name", async () => {
    await using dir = await folder({ "sum.imu": TEXT });
    await dir.run("build", "sum.imu");
    await dir.run("build", "sum.imu", "--no-map");
    expect((await readdir(dir.path)).sort()).toEqual(["sum.imu", "sum.json"]);

    await mkdir(join(dir.path, "sum.json.map"));
    await writeFile(join(dir.path, "sum.json.map/keep"), "");
    await dir.run("build", "sum.imu", "--no-map");
    expect(await readdir(join(dir.path, "sum.json.map"))).toEqual(["keep"]);
  });

  test("--format text writes the text form; --json says the same to a script", async () => {
    await using dir = await folder({ "sum.json": JSON.stringify(SUM_PROGRAM), "bad.imu": "PUSH" });

    const { code } = await dir.run("build", "sum.json", "--format", "text");
    const json = await dir.run("build", "bad.imu", "--json");

    expect(code).toBe(0);
    expect(await dir.read("sum.imu")).toBe(TEXT);
    const { programs } = JSON.parse(json.out);
    expect(programs[0]).toMatchObject({ file: "bad.imu", ok: false, written: null });
    expect(programs[0].errors.map((e: { line: number; code: string }) => `${e.line} ${e.code}`)).toEqual([
      "1 missing_field",
      "1 missing_directive",
      "1 missing_directive",
    ]);
  });

  test.each([
    ["an unknown form", ["sum.imu", "--format", "yaml"], "--format is json or text"],
    ["a document over itself", ["sum.json"], "would be overwritten"],
    ["a text over itself", ["sum.imu", "--format", "text"], "would be overwritten"],
    ["two sources of one name", ["sum.imu", "sum.ts", "--out", "o"], "would both be written to o/sum.json"],
    ["no file", [], "missing required argument"],
  ])("%s is bad usage, and nothing is written", async (_, argv, message) => {
    await using dir = await folder({ "sum.imu": TEXT, "sum.ts": TYPESCRIPT, "sum.json": "{}" });

    const { code, err } = await dir.run("build", ...argv);

    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(await readdir(dir.path)).toHaveLength(3);
  });

  test("hostile sources are problems, not faults", async () => {
    await using dir = await folder({
      "bytes.imu": "",
      "big.imu": ";".repeat(600_000),
      "proto.imu": `${TEXT}  __proto__ 1\n  PUSH { __proto__: 1, __proto__: 2 }\n`,
      "esc.imu": `${TEXT}  \u001b[31m\n`,
    });
    await writeFile(join(dir.path, "bytes.imu"), new Uint8Array([0xff, 0xfe]));

    const { code, err } = await dir.run("build", "bytes.imu", "big.imu", "proto.imu", "esc.imu");

    expect(code).toBe(1);
    expect(err).toContain("bytes.imu:1:1: bad_encoding");
    expect(err).toContain("big.imu:1:1: too_large");
    expect(err).toContain("proto.imu:13:3: unknown_opcode");
    expect(err).toContain("proto.imu:14:24: duplicate_key");
    expect(err).toContain("esc.imu:13:3: bad_line");
    expect(err).not.toContain("\u001b");
  });
});

describe("imuctl program check", () => {
  test("names the line of the source where a map is there, and the sizes of what verifies", async () => {
    await using dir = await folder({ "sum.imu": TEXT.replace("  ADD", "  PUSH %never\n  POP\n  ADD") });
    await dir.run("build", "sum.imu");

    const { code, out } = await dir.run("check", "sum.json");

    expect(code).toBe(0);
    expect(out).toContain("\tverified\t");
    expect(out).toMatch(/\d+ bytes, 10 instructions, 1 frames, 3 registers, stack 3/);
    expect(out).toContain("\twarning\tregister_never_stored\tcode\t4\tsum.imu:9:3\t");
  });

  test.each([
    ["another program's", (map: string) => map.replace(/"x_programHash":"../, '"x_programHash":"zz')],
    ["a damaged one", (map: string) => map.slice(0, 40)],
  ])("%s map is said and not used", async (_, change) => {
    await using dir = await folder({ "sum.imu": TEXT });
    await dir.run("build", "sum.imu");
    await writeFile(join(dir.path, "sum.json.map"), change(await dir.read("sum.json.map")));

    const { code, err } = await dir.run("check", "sum.json");

    expect(code).toBe(0);
    expect(err).toMatch(/sum\.json\.map is not used: source_map_(mismatch|invalid): /);
  });
});

describe("imuctl program disasm", () => {
  test("what it prints builds the same document", async () => {
    await using dir = await folder({});
    for (const name of ["climate", "door-alarm", "irrigation"]) {
      const file = join(GREENHOUSE, `programs/${name}.json`);
      const { code, out } = await dir.run("disasm", file);
      await writeFile(join(dir.path, `${name}.imu`), out);
      const built = await dir.run("build", `${name}.imu`);

      expect([code, built.code]).toEqual([0, 0]);
      expect(built.out).toContain(programHash(JSON.parse(await readFile(file, "utf8"))));
    }
  });

  test("--annotate shows index, depth of stack and findings", async () => {
    await using dir = await folder({ "sum.imu": TEXT.replace("  ADD", "  PUSH %never\n  POP\n  ADD") });

    const { out, err } = await dir.run("disasm", "sum.imu", "--annotate");

    expect(out).toMatch(/PUSH %never +; 4 depth 2 register_never_stored\n/);
    expect(out).toMatch(/RESPOND 200 \{ sum: %sum \} +; 9 depth 0\n/);
    expect(err).toContain("sum.imu:9:3: warning: register_never_stored: ");
  });

  test("a document that does not verify is printed with what is wrong; one without a shape is refused", async () => {
    const broken = { ...(SUM_PROGRAM as object), code: [{ op: "ADD" }] };
    await using dir = await folder({
      "broken.json": JSON.stringify(broken),
      "alien.json": JSON.stringify({ ...broken, code: [{ op: "WARP", __proto__x: 1 }] }),
      "list.json": "[]",
    });

    const shown = await dir.run("disasm", "broken.json");
    const alien = await dir.run("disasm", "alien.json");
    const list = await dir.run("disasm", "list.json");

    expect([shown.code, alien.code, list.code]).toEqual([1, 1, 1]);
    expect(shown.out).toContain("  ADD\n");
    expect(shown.err).toContain("stack_underflow");
    expect(alien.err).toContain("not_printable");
    expect(list.err).toContain("program_invalid");
  });
});
