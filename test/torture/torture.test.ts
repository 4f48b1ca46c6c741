/** A few kills of every kind, for each change; `npm run torture` does hundreds. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TemporaryFolder } from "../support/daemon.ts";
import { type BuiltChild, buildChild } from "./child-process.ts";
import { daemonSubject } from "./judge-daemon.ts";
import { ledgerSubject } from "./judge-ledger.ts";
import { reportLine, torture } from "./torture.ts";

const SEED = "kill-9";

let child: BuiltChild;

beforeAll(async () => {
  child = await buildChild(`test-${process.pid}`);
});
afterAll(() => child[Symbol.asyncDispose]());

test.each([
  ["ledger", 10, async (dir: string) => ledgerSubject(join(dir, "db"))],
  ["daemon", 5, daemonSubject],
] as const)("a %s killed %d times loses nothing it acknowledged", async (_, cycles, subjectOf) => {
  await using folder = await TemporaryFolder.create();

  const report = await torture(child, await subjectOf(folder.path), { cycles, seed: SEED });

  process.stdout.write(`${reportLine(report)}\n`);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ cycles });
  expect(report.acknowledged).toBeGreaterThan(0);
});
