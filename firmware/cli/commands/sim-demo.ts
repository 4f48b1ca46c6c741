/** `imuctl sim demo`: the demonstration on the simulated greenhouse, in the foreground. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { act, add, type Cli, type Handler } from "../command.ts";
import { FAILED } from "../exit-codes.ts";

/** The daemon's entry beside this file: as source under a loader, or compiled. */
const ENTRY = fileURLToPath(
  new URL(`../../main.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
);

export const demo: Handler = async (session, { args }) => {
  session.note("starting imud demo; stop it with Ctrl-C");
  const child = spawn(process.execPath, [...process.execArgv, ENTRY, "demo", ...args], { stdio: "inherit" });
  // Ctrl-C reaches the daemon by itself; a second signal would cut its way to the safe states short.
  process.once("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? FAILED));
  });
};

export function addSimDemo(group: Command, cli: Cli): void {
  add(group, "demo [arguments...]", {
    does: "start the daemon on the simulated greenhouse (imud demo) until Ctrl-C",
    examples: ["imuctl sim demo", "imuctl sim demo -- --help"],
    exits: "that of the daemon",
  }).action(act(cli, demo));
}
