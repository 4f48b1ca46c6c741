/** How a command is declared: commander parses and checks, the handler gets a session and gives an exit code. */
import { Command } from "commander";
import { UsageError } from "./errors.ts";
import type { Io } from "./io.ts";
import { Session } from "./session.ts";

export type OptionValue = string | boolean | readonly string[] | undefined;

export interface Call {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, OptionValue>>;
}

export type Handler = (session: Session, call: Call) => Promise<number>;

/** What a command file needs to add itself. */
export interface Cli {
  readonly io: Io;
  /** Set by the handler that ran. */
  exitCode: number;
}

/** Adds a subcommand. @param signature name and arguments, for example `show <index>`. */
export function add(
  parent: Command,
  signature: string,
  help: { readonly does: string; readonly examples?: readonly string[]; readonly exits?: string },
): Command {
  const command = parent.command(signature).description(help.does);
  const examples = (help.examples ?? []).map((line) => `  ${line}`);
  const text = [
    ...(examples.length > 0 ? ["", "Examples:", ...examples] : []),
    ...(help.exits ? ["", `Exit codes: ${help.exits}`] : []),
  ];
  if (text.length > 0) command.addHelpText("after", text.join("\n"));
  return command;
}

/** The handler as commander's action. */
export function act(cli: Cli, handler: Handler): (...params: unknown[]) => Promise<void> {
  return async (...params) => {
    const command = params.at(-1);
    if (!(command instanceof Command)) throw new UsageError("the command line was not understood.");
    const session = new Session(cli.io, command.optsWithGlobals());
    cli.exitCode = await handler(session, { args: command.args, options: command.opts() });
  };
}

/** @throws UsageError unless it is a whole number within bounds. */
export function countOption(value: OptionValue, name: string, max: number): number {
  const text = typeof value === "string" ? value : "";
  const number = Number(text);
  if (!/^\d{1,15}$/.test(text) || number > max) {
    throw new UsageError(`${name} must be a whole number from 0 to ${max}, not "${text}".`);
  }
  return number;
}

export const textOption = (value: OptionValue): string | null => (typeof value === "string" ? value : null);
