/**
 * `npm run torture -- [--cycles n] [--seed s] [--only ledger,daemon]`: kills a process under full load at moments drawn
 * from a seed, and looks at what each life has left. Exit code 1 if anything acknowledged is missing, does not verify or
 * was applied by half; the folder stays then.
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { TemporaryFolder } from "../support/daemon.ts";
import { buildChild } from "./child-process.ts";
import { daemonSubject } from "./judge-daemon.ts";
import { ledgerSubject } from "./judge-ledger.ts";
import { reportLine, torture } from "./torture.ts";

const PROGRESS_EVERY = 25;
const SUBJECTS = ["ledger", "daemon"] as const;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "500" },
    seed: { type: "string" },
    only: { type: "string", default: SUBJECTS.join() },
  },
});
const seed = values.seed ?? randomBytes(4).toString("hex");
const chosen = values.only.split(",");
// The last of the chosen takes what does not divide.
const share = Math.floor(Number(values.cycles) / chosen.length);

await using child = await buildChild(`main-${process.pid}`);
for (const [at, name] of chosen.entries()) {
  const cycles = at === chosen.length - 1 ? Number(values.cycles) - share * at : share;
  const folder = await TemporaryFolder.create();
  const subject = name === "daemon" ? await daemonSubject(folder.path) : ledgerSubject(`${folder.path}/db`);
  const report = await torture(child, subject, {
    cycles,
    seed,
    onCycle: (cycle, { size }) => {
      if (cycle % PROGRESS_EVERY === 0)
        process.stdout.write(`${name}: ${cycle} of ${cycles}, ${size} entries\n`);
    },
  });
  process.stdout.write(`${reportLine(report)}\n`);
  if (report.problems.length === 0) await folder[Symbol.asyncDispose]();
  else {
    process.stdout.write(`the folder stays: ${folder.path}\n${report.problems.join("\n")}\n`);
    process.exitCode = 1;
  }
}
