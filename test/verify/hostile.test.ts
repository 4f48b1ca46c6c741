/** Hostile files: whatever the bytes are, there is a typed answer, and it is never "verified" for what was changed. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { CODES, type Report, reportText, verify } from "../../verify/index.ts";
import { type Exported, exportedDevice } from "./exported-device.ts";

let device: Exported;
let range: Uint8Array;
let run: Uint8Array;
let ledger: Uint8Array;

beforeAll(async () => {
  device = await exportedDevice();
  range = utf8(await device.run("export", "--content"));
  run = utf8(await device.run("export", "--run", device.runId, "--since", String(device.oldSize)));
  ledger = utf8(await device.run("ledger", "export"));
});
afterAll(() => device[Symbol.asyncDispose]());

const judged = (bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<Report> =>
  verify(bytes, { keys: [device.log], witnesses: device.witnesses, nowSec: 4_000_000_000 });

function expectRefused(report: Report): void {
  expect(report.verdict).not.toBe("verified");
  for (const { code } of report.findings) expect(Object.keys(CODES)).toContain(code);
  expect(reportText(report)).toContain(String(report.code));
}

const files = (): readonly Uint8Array[] => [range, run, ledger];
const which = fc.nat({ max: 2 });

test("no byte of an export can change unnoticed", async () => {
  await fc.assert(
    fc.asyncProperty(which, fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, place, flip) => {
      const bytes = files()[file]?.slice() ?? new Uint8Array();
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      expectRefused(await judged(bytes));
    }),
    { numRuns: 400 },
  );
});

test("no part of an export can be cut out, put in or doubled unnoticed", async () => {
  await fc.assert(
    fc.asyncProperty(
      which,
      fc.nat(),
      fc.nat({ max: 2000 }),
      fc.uint8Array({ maxLength: 40 }),
      async (file, place, length, insert) => {
        const bytes = files()[file] ?? new Uint8Array();
        const at = place % bytes.length;
        const changed = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + length)]);
        fc.pre(Buffer.compare(changed, bytes) !== 0);
        expectRefused(await judged(new Uint8Array(changed)));
      },
    ),
    { numRuns: 300 },
  );
});

test("random bytes, and JSON of every shape, are refused by name", async () => {
  const line = fc.oneof(
    fc.json(),
    fc
      .record({ format: fc.constantFrom("imu.bundle/1", "imu-ledger-export"), v: fc.constant(1) })
      .map((x) => JSON.stringify(x)),
    fc
      .record({
        t: fc.constantFrom("checkpoint", "entry", "evidence", "document", "end", "withheld", "consistency"),
        index: fc.oneof(fc.nat(), fc.double(), fc.jsonValue()),
        note: fc.string(),
        proof: fc.jsonValue(),
      })
      .map((x) => JSON.stringify(x)),
  );
  const first = fc.constantFrom(
    ...files().map((bytes) => Buffer.from(bytes).toString().split("\n").slice(0, 2).join("\n")),
  );
  await fc.assert(
    fc.asyncProperty(fc.option(first), fc.array(line, { maxLength: 12 }), async (head, lines) => {
      expectRefused(await judged(utf8(`${head === null ? "" : `${head}\n`}${lines.join("\n")}\n`)));
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => expectRefused(await judged(bytes))),
    { numRuns: 300 },
  );
});

test("how the bytes arrive makes no difference", async () => {
  const whole = await judged(range);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 9 }),
      async (sizes) => {
        async function* chunks() {
          for (let at = 0, i = 0; at < range.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            yield range.subarray(at, at + size);
            at += size;
          }
        }
        expect(await judged(chunks())).toEqual(whole);
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  ["levels without end", `${"[".repeat(1_000_000)}`],
  ["members without end", `{"a":${"[".repeat(500_000)}${"]".repeat(500_000)}}`],
  ["a note of a megabyte", "x".repeat(1_000_000)],
  ["a note of many lines", `${"\n".repeat(200_000)}`],
  ["a header and a level too many", `{"format":"imu.bundle/1"}\n${'{"a":'.repeat(100)}1${"}".repeat(100)}`],
])("%s end in a refusal", async (_, text) => {
  expectRefused(await judged(utf8(`${text}\n`)));
});

test("a file of nothing but faults is left early, and its report stays small", async () => {
  const lines = Buffer.from(range).toString().split("\n");
  const fault = JSON.stringify({
    body: null,
    id: "0".repeat(64),
    index: 3,
    proof: [],
    seq: 0,
    t: "evidence",
  });
  const text = [...lines.slice(0, 2), ...Array.from({ length: 50_000 }, () => fault)].join("\n");

  const report = await judged(utf8(`${text}\n`));

  expect(report.findingCount).toBeLessThan(20_000);
  expect(report.findings.length).toBeLessThanOrEqual(1000);
});

test("an endless file is left as soon as its bound is passed", async () => {
  let given = 0;
  async function* endless() {
    const chunk = new Uint8Array(8 * 1024 * 1024).fill(0x61);
    for (;;) {
      given += chunk.length;
      yield chunk;
    }
  }

  expect(await judged(endless())).toMatchObject({ code: "too_large" });
  expect(given).toBeLessThan(80 * 1024 * 1024);
});
