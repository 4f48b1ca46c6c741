/** `imuctl rescue`: what an operator decides after a damaged database was rescued (docs/storage.md). */
import type { Command } from "commander";
import { act, add, type Cli, type Handler } from "../command.ts";
import { OK } from "../exit-codes.ts";
import { pairs } from "../text.ts";

const accept: Handler = async (session) => {
  const value = await session.ask("rescue.accept", {});
  session.result(value, pairs([["rescue", "accepted"]]));
  session.note("programs run again from the next start of the daemon on");
  return OK;
};

export function addRescue(program: Command, cli: Cli): void {
  const rescue = add(program, "rescue", { does: "decide about a database that was damaged and saved" });
  add(rescue, "accept", {
    does: "let programs run again on what was saved; takes effect at the next start",
    examples: ["imuctl rescue accept && sudo systemctl restart imud"],
    exits: "0 accepted, 1 nothing keeps programs from running, or no daemon answers",
  }).action(act(cli, accept));
}
