/** The command line as a whole: common options, one place for errors and exit codes. */
import { Command, CommanderError } from "commander";
import { VERSION } from "../composition/package-info.ts";
import type { Cli } from "./command.ts";
import { addBoard } from "./commands/board.ts";
import { addCapabilities } from "./commands/capabilities.ts";
import { addEvidence } from "./commands/evidence.ts";
import { addExport } from "./commands/export.ts";
import { addInit } from "./commands/init.ts";
import { addLedger } from "./commands/ledger.ts";
import { addLive } from "./commands/live.ts";
import { addOta } from "./commands/ota.ts";
import { addProgram } from "./commands/program.ts";
import { addReplay } from "./commands/replay.ts";
import { addRescue } from "./commands/rescue.ts";
import { addRoster } from "./commands/roster.ts";
import { addRuns } from "./commands/runs.ts";
import { addSend } from "./commands/send.ts";
import { addSim } from "./commands/sim.ts";
import { addStatus } from "./commands/status.ts";
import { errorJson, errorText, UsageError } from "./errors.ts";
import { BAD, FAILED, OK } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { DEFAULT_CONFIG } from "./session.ts";

/** In the order of the help page: from a new device to its updates. */
const COMMANDS: readonly ((program: Command, cli: Cli) => void)[] = [
  addInit,
  addRoster,
  addStatus,
  addRuns,
  addReplay,
  addEvidence,
  addLedger,
  addExport,
  addProgram,
  addCapabilities,
  addBoard,
  addLive,
  addRescue,
  addSend,
  addOta,
  addSim,
];

function common(program: Command, io: Io): void {
  program
    .name("imuctl")
    .description("control tool of the IMU edge daemon")
    .version(VERSION, "-V, --version", "print the version")
    .option("--config <path>", `configuration of the daemon (default: IMUD_CONFIG or ${DEFAULT_CONFIG})`)
    .option("--state <dir>", "read this state directory as it lies, without a daemon")
    .option("--json", "print one JSON document instead of text")
    .option("--debug", "print stack traces of errors")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .addHelpText("after", "\nExit codes: 0 ok, 1 refused or failed, 2 bad usage; others with each command.")
    .exitOverride();
}

/** Settings such as `exitOverride` are copied to a command when it is added, so they are set on the root before. */
function build(cli: Cli): Command {
  const program = new Command();
  common(program, cli.io);
  for (const addCommand of COMMANDS) addCommand(program, cli);
  return program;
}

/** @param argv arguments without node and script. @returns the exit code; never throws for what a user can cause. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const cli: Cli = { io, exitCode: OK };
  try {
    await build(cli).parseAsync([...argv], { from: "user" });
    return cli.exitCode;
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? OK : BAD;
    if (argv.includes("--json")) io.out(`${JSON.stringify(errorJson(error))}\n`);
    io.err(errorText(error, argv.includes("--debug")));
    return error instanceof UsageError ? BAD : FAILED;
  }
}
