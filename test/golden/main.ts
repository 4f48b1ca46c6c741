/** `npm run golden -- [--json] [--verbose] <file or folder …>`: runs vector files against the product's own rules. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../../firmware/core/errors.ts";
import type { Json } from "../../firmware/core/json.ts";
import { firstDifference } from "./compare.ts";
import {
  EXECUTORS,
  type Given,
  type MachineOp,
  type Op,
  type OpModule,
  type VectorFile,
} from "./registry.ts";

const here = dirname(fileURLToPath(import.meta.url));

interface Tally {
  area: string;
  op: string;
  /** Empty for what does not run on the machine. */
  executors: readonly string[];
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

interface Rule {
  readonly executors: readonly string[];
  /** The first difference from what the vector expects, null if there is none. */
  readonly judge: (given: Given, expect: Json, file: VectorFile) => Promise<string | null>;
}

const plainRule = (run: Op): Rule => ({
  executors: [],
  judge: async (given, expect, file) => firstDifference(expect, await run(given, file)),
});

const machineRule = (run: MachineOp): Rule => ({
  executors: EXECUTORS,
  judge: async (given, expect) => {
    for (const executor of EXECUTORS) {
      const difference = firstDifference(expect, await run(structuredClone(given), executor));
      if (difference !== null) return `on the executor "${executor}": ${difference}`;
    }
    return null;
  },
});

async function loadRules(): Promise<Map<string, Rule>> {
  const rules = new Map<string, Rule>();
  for (const name of readdirSync(join(here, "ops")).sort()) {
    if (!name.endsWith(".ts")) continue;
    const loaded = (await import(join(here, "ops", name))) as { modules: readonly OpModule[] };
    for (const { area, ops, machineOps } of loaded.modules) {
      for (const [op, run] of Object.entries(ops)) rules.set(`${area}:${op}`, plainRule(run));
      for (const [op, run] of Object.entries(machineOps ?? {})) rules.set(`${area}:${op}`, machineRule(run));
    }
  }
  return rules;
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

/** Prints the tally and gives how many failed. */
function report(
  rows: readonly Tally[],
  failures: readonly Failure[],
  total: number,
  asJson: boolean,
): number {
  const sum = (pick: (tally: Tally) => number): number => rows.reduce((n, row) => n + pick(row), 0);
  const totals = {
    total,
    pass: sum((r) => r.pass),
    fail: sum((r) => r.fail),
    notBuilt: sum((r) => r.notBuilt),
    onEveryExecutor: sum((r) => (r.executors.length > 0 ? r.pass + r.fail : 0)),
  };
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ totals, ops: rows, failures }, null, 2)}\n`);
  } else {
    process.stdout.write("area\top\tpass\tfail\tnot-yet-built\texecutors\n");
    for (const { area, op, pass, fail, notBuilt, executors } of rows)
      process.stdout.write(`${[area, op, pass, fail, notBuilt, executors.join("+") || "-"].join("\t")}\n`);
    for (const { file, id, op, problem } of failures)
      process.stdout.write(`FAIL ${file} ${id} (${op}) ${problem}\n`);
    process.stdout.write(
      `total ${totals.total}: ${totals.pass} passed, ${totals.fail} failed, ${totals.notBuilt} not yet built; ` +
        `${totals.onEveryExecutor} of them on the machine, each on ${EXECUTORS.join(" and ")}\n`,
    );
  }
  return totals.fail;
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
  const rules = await loadRules();
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
      const rule = rules.get(key);
      const executors = rule?.executors ?? [];
      const tally = tallies.get(key) ?? { area: file.area, op, executors, pass: 0, fail: 0, notBuilt: 0 };
      tallies.set(key, tally);
      if (!rule) {
        tally.notBuilt++;
        continue;
      }
      let problem: string | null;
      try {
        problem = await rule.judge(structuredClone(given), expect, file);
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
  const failed = report([...tallies.values()], failures, total, values.json === true);
  if (total === 0) {
    process.stderr.write("no vectors found\n");
    return 1;
  }
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
