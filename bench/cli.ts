/** `npm run bench -- <suite> [options]`; options belong to the suite. */
import type { Suite } from "./lib/suite.ts";
import { evidenceSuite } from "./suites/evidence/suite.ts";
import { ledgerSuite } from "./suites/ledger/suite.ts";
import { simSuite } from "./suites/sim/suite.ts";
import { vmSuite } from "./suites/vm/suite.ts";

const SUITES: readonly Suite[] = [vmSuite, ledgerSuite, evidenceSuite, simSuite];

function usage(): string {
  const lines = SUITES.map(({ name, about, usage: options }) => `  ${name}  ${about}\n${options}`);
  return `usage: npm run bench -- <suite> [--json] [--quick] [options]\n\n${lines.join("\n")}\n`;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const suite = SUITES.find((one) => one.name === name);
  if (suite === undefined) {
    process.stderr.write(usage());
    return 2;
  }
  try {
    process.stdout.write(await suite.run(rest, (text) => process.stderr.write(`${text}\n`)));
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
