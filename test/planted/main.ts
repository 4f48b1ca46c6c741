/** `npm run sim:planted`: plants each fault in a copy and lets the swarm look for it (issue: at most 5 minutes each). */
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { Command } from "commander";
import { FaultyCopy, ROOT } from "./copy.ts";
import type { PlantedFault } from "./fault.ts";
import { PLANTED_FAULTS } from "./faults.ts";

interface Options {
  readonly fault?: readonly string[];
  readonly minutes: number;
  readonly seed?: number;
  readonly jobs?: number;
  readonly json?: boolean;
}

interface SwarmAnswer {
  readonly ok: boolean;
  readonly runs: number;
  readonly seconds: number;
  readonly found: readonly { readonly seed: string; readonly failure: string; readonly what: string }[];
}

interface Row {
  readonly fault: string;
  readonly foundBy: string | null;
  readonly isExpected: boolean;
  readonly seed: string | null;
  readonly seconds: number;
  readonly runs: number;
  readonly what: string;
}

const FIRST_SEEDS = 1_000_000_000;

function swarm(folder: string, { minutes, jobs }: Options, seed: number): Promise<SwarmAnswer> {
  const tsx = join(ROOT, "node_modules", "tsx", "dist", "cli.mjs");
  const args = [tsx, "sim/swarm/main.ts", "--minutes", String(minutes), "--seed", String(seed), "--json"];
  if (jobs !== undefined) args.push("--jobs", String(jobs));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) resolve(JSON.parse(line) as SwarmAnswer);
      else reject(new Error(`the swarm gave no answer: ${stderr.slice(-2000)}`, { cause: error }));
    });
  });
}

async function look(fault: PlantedFault, options: Options): Promise<Row> {
  await using copy = await FaultyCopy.of(fault);
  const { found, seconds, runs } = await swarm(copy.folder, options, options.seed ?? randomInt(FIRST_SEEDS));
  const [first] = found;
  const foundBy = first?.failure ?? null;
  return {
    fault: fault.name,
    foundBy,
    isExpected: fault.expects.some((id) => foundBy?.startsWith(id)),
    seed: first?.seed ?? null,
    seconds: Math.round(seconds * 10) / 10,
    runs,
    what: first?.what.split("\n")[0] ?? "",
  };
}

const program = new Command("sim:planted")
  .description("Plants faults in copies of the daemon, one at a time, and lets the swarm look for each.")
  .option("--fault <name...>", "only these")
  .option("--minutes <n>", "longest search for one", Number, 5)
  .option("--seed <n>", "first seed; default: drawn for each", Number)
  .option("--jobs <n>", "processes of the swarm; default: one for each core", Number)
  .option("--json", "one JSON document");
program.action(async (options: Options) => {
  const wanted = PLANTED_FAULTS.filter(({ name }) => !options.fault || options.fault.includes(name));
  const rows: Row[] = [];
  for (const fault of wanted) {
    const row = await look(fault, options);
    rows.push(row);
    if (!options.json)
      process.stdout.write(
        `${row.fault.padEnd(20)} ${(row.foundBy ?? "NOT FOUND").padEnd(12)} seed ${String(row.seed).padEnd(10)} ${String(row.seconds).padStart(6)} s ${String(row.runs).padStart(4)} runs  ${row.what.slice(0, 100)}\n`,
      );
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ faults: rows })}\n`);
  else
    process.stdout.write(
      `${rows.filter(({ foundBy }) => foundBy !== null).length} of ${rows.length} planted faults were found\n`,
    );
  if (rows.some(({ foundBy }) => foundBy === null)) process.exitCode = 1;
});
await program.parseAsync();
