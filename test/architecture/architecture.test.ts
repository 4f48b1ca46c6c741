import { describe, expect, test } from "vitest";
import { checkSource, checkTree } from "../../tools/architecture.ts";

describe("the architecture", () => {
  test("holds for every file of the tree", () => {
    expect(checkTree()).toEqual([]);
  });

  test.each([
    ["core reaching for a port", "firmware/core/x.ts", 'import { a } from "../ports/clock.ts";'],
    [
      "the machine reaching for a driver",
      "firmware/vm/x.ts",
      'import { a } from "../../drivers/devices/bme280.ts";',
    ],
    ["evidence reaching for the ledger", "firmware/evidence/x.ts", 'import { a } from "../ledger/index.ts";'],
    ["a sibling's inner file", "firmware/policy/x.ts", 'import { a } from "../evidence/guard.ts";'],
    [
      "the fleet reaching for drivers",
      "firmware/fleet/x.ts",
      'import { a } from "../../drivers/providers/gpio.ts";',
    ],
    [
      "a driver knowing the daemon",
      "drivers/devices/x.ts",
      'import { a } from "../../firmware/vm/index.ts";',
    ],
    ["the disk outside adapters", "firmware/ledger/x.ts", 'import { readFileSync } from "node:fs";'],
    ["the network outside adapters", "firmware/sync/x.ts", 'import net from "node:net";'],
    ["a dynamic import of the disk", "ota/x.ts", 'export const a = () => import("node:fs");'],
    ["the composition root as a library", "firmware/vm/x.ts", 'import { a } from "../main.ts";'],
    ["the wall clock", "firmware/vm/x.ts", "export const a = Date.now();"],
    ["a new Date", "firmware/vm/x.ts", "export const a = new Date();"],
    ["unseeded randomness", "sim/x.ts", "export const a = Math.random();"],
    ["the environment", "firmware/policy/x.ts", "export const a = process.env.HOME;"],
    ["a real timer", "firmware/sync/x.ts", "setTimeout(() => undefined, 1);"],
    ["the console", "firmware/fleet/x.ts", 'console.log("x");'],
    ["a bound of its own", "firmware/fleet/x.ts", "const MAX_LETTER_BYTES = 4 * 1024;"],
    ["an exported depth of its own", "ota/x.ts", "export const MAX_DEPTH: number = 8;"],
    [
      "a bound written into a call",
      "firmware/runs/x.ts",
      "export const a = (f: any) => f({ maxBytes: 64 });",
    ],
    [
      "the verifier running the daemon's code",
      "verify/x.ts",
      'import { sha256 } from "../firmware/core/hash.ts";',
    ],
    ["the verifier bound to Node.js", "verify/x.ts", 'import { createHash } from "node:crypto";'],
    [
      "the daemon relying on the verifier",
      "firmware/ledger/x.ts",
      'import { verify } from "../../verify/index.ts";',
    ],
    ["an endless file", "firmware/vm/x.ts", "\n".repeat(500)],
  ])("refuses %s", (_name, file, text) => {
    expect(checkSource(file, text)).toHaveLength(1);
  });

  test.each([
    ["shapes of a sibling", "firmware/policy/x.ts", 'import type { Tier } from "../vm/types.ts";'],
    ["a public face", "firmware/policy/x.ts", 'import { a } from "../evidence/index.ts";'],
    [
      "the platform in an adapter",
      "firmware/adapters/x.ts",
      'import { readFileSync } from "node:fs"; export const a = [Date.now(), readFileSync];',
    ],
    ["a bound in the limits", "firmware/core/limits/x.ts", "export const MAX_LETTER_BYTES = 8;"],
    ["another name for a limit", "ota/x.ts", "export const MAX_LETTER_BYTES = LETTER_LIMITS.bytes;"],
    ["what a device can hold", "drivers/devices/x.ts", "const MAX_SENTENCE_BYTES = 128;"],
    [
      "a member called process",
      "firmware/vm/x.ts",
      "export const a = (x: { process: number }) => x.process;",
    ],
  ])("allows %s", (_name, file, text) => {
    expect(checkSource(file, text)).toEqual([]);
  });
});
