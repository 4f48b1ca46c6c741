/** `npm run golden -- [--json] [--verbose] <file or folder …>`: runs vector files against the product's own rules. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../../firmware/core/errors.ts";
import { firstDifference } from "./compare.ts";
import type { Op, OpModule, VectorFile } from "./registry.ts";

const here = dirname(fileURLToPath(import.meta.url));

interface Tally {
  area: string;
  op: string;
  pass: number;
  fail: number;
  notBuilt: number;
}

interface Failure {
  readonly file: string;
  readonly id: string;
  readonly op: string;
  readonly problem: string;
}

async function loadOps(): Promise<Map<string, Op>> {
  const ops = new Map<string, Op>();
  for (const name of readdirSync(join(here, "ops")).sort()) {
    if (!name.endsWith(".ts")) continue;
    const loaded = (await import(join(here, "ops", name))) as { modules: readonly OpModule[] };
    for (const module of loaded.modules) {
      for (const [op, run] of Object.entries(module.ops)) ops.set(`${module.area}:${op}`, run);
    }
  }
  return ops;
}

function vectorFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const child = join(path, name);
      return statSync(child).isDirectory() ? vectorFiles(child) : name.endsWith(".json") ? [child] : [];
    });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean" }, verbose: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write("usage: npm run golden -- [--json] [--verbose] <file or folder …>\n");
    return 0;
  }
  const ops = await loadOps();
  const tallies = new Map<string, Tally>();
  const failures: Failure[] = [];
  const files = (positionals.length > 0 ? positionals : [join(here, "vectors")]).flatMap(vectorFiles);
  let total = 0;
  for (const path of files) {
    const file = JSON.parse(readFileSync(path, "utf8")) as VectorFile;
    if (typeof file.area !== "string" || !Array.isArray(file.cases)) {
      throw new Error(`${path} is not a vector file: it needs "area" and "cases".`);
    }
    for (const { id, given, expect } of file.cases) {
      total++;
      const op = String(given?.op);
      const key = `${file.area}:${op}`;
      const tally = tallies.get(key) ?? { area: file.area, op, pass: 0, fail: 0, notBuilt: 0 };
      tallies.set(key, tally);
      const run = ops.get(key);
      if (!run) {
        tally.notBuilt++;
        continue;
      }
      let problem: string | null;
      try {
        problem = firstDifference(expect, await run(structuredClone(given), file));
      } catch (error) {
        problem = `threw ${messageOf(error)}`;
        if (values.verbose && error instanceof Error) problem += `\n${error.stack}`;
      }
      if (problem === null) tally.pass++;
      else {
        tally.fail++;
        failures.push({ file: path, id, op: key, problem });
      }
    }
  }
  const rows = [...tallies.values()];
  const sum = (pick: (tally: Tally) => number): number => rows.reduce((n, row) => n + pick(row), 0);
  const totals = {
    total,
    pass: sum((r) => r.pass),
    fail: sum((r) => r.fail),
    notBuilt: sum((r) => r.notBuilt),
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ totals, ops: rows, failures }, null, 2)}\n`);
  } else {
    process.stdout.write("area\top\tpass\tfail\tnot-yet-built\n");
    for (const row of rows)
      process.stdout.write(`${row.area}\t${row.op}\t${row.pass}\t${row.fail}\t${row.notBuilt}\n`);
    for (const { file, id, op, problem } of failures)
      process.stdout.write(`FAIL ${file} ${id} (${op}) ${problem}\n`);
    process.stdout.write(
      `total ${totals.total}: ${totals.pass} passed, ${totals.fail} failed, ${totals.notBuilt} not yet built\n`,
    );
  }
  if (total === 0) {
    process.stderr.write("no vectors found\n");
    return 1;
  }
  return totals.fail > 0 ? 1 : 0;
}

process.exitCode = await main();
