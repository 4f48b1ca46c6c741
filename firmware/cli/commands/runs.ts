/** `imuctl run` starts a program now; `imuctl runs` lists and shows what ran. */
import type { Command } from "commander";
import type { JsonObject } from "../../core/json.ts";
import { CONTROL_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, countOption, type Handler, textOption } from "../command.ts";
import { OK } from "../exit-codes.ts";
import { jsonObject, objectIn, rowsIn } from "../json-input.ts";
import { read } from "../state-access.ts";
import { pairs, pretty, table, time } from "../text.ts";

const start: Handler = async (session, { args, options }) => {
  const payload = textOption(options.payload);
  const params: JsonObject = {
    program: args[0] ?? "",
    ...(payload === null ? {} : { payload: jsonObject(payload, "--payload") }),
  };
  const value = objectIn(await session.ask("run.start", params));
  const { runId, status, reason, body, outputHash } = value;
  session.result(
    value,
    pairs([
      ["run", runId],
      ["status", status],
      ["reason", reason],
      ["reply", body],
      ["output hash", outputHash],
    ]),
  );
  return session.exit(value.ok !== false && !(typeof status === "number" && status >= 400));
};

const list: Handler = async (session, { options }) => {
  const limit = countOption(options.limit, "--limit", CONTROL_LIMITS.list);
  const { value } = await read(session, "run.list", { limit, program: textOption(options.program) });
  const rows = rowsIn(objectIn(value).runs).map((run) => [
    run.runId,
    time(run.startedAt),
    run.program,
    run.state,
    run.status,
    run.reason,
    run.steps,
    run.evidence,
  ]);
  const names = ["run", "started", "program", "state", "status", "reason", "steps", "evidence"];
  session.result(value, table(names, rows, session.io.isTty));
  return OK;
};

const show: Handler = async (session, { args }) => {
  const { value } = await read(session, "run.show", { runId: args[0] ?? "" });
  session.result(value, pretty(objectIn(value).run));
  return OK;
};

export function addRuns(program: Command, cli: Cli): void {
  add(program, "run <program>", {
    does: "start a program now and wait for its end; policy decides as for every other trigger",
    examples: ["imuctl run irrigation", `imuctl run sum --payload '{"a":2,"b":3}'`],
    exits: "0 done, 1 refused or failed",
  })
    .option("--payload <json>", "a JSON object")
    .action(act(cli, start));
  const runs = add(program, "runs", {
    does: "list recorded runs, the newest first",
    examples: ["imuctl runs --program climate --limit 5"],
  })
    .option("--limit <count>", "how many", "20")
    .option("--program <name>", "only runs of this program")
    .action(act(cli, list));
  add(runs, "show <runId>", { does: "show one run record with its journal" }).action(act(cli, show));
}
