/** Commands that only a running daemon can answer: plan a call, drive the outputs safe, the site's shared settings. */
import type { Command } from "commander";
import { isJsonObject, type Json } from "../../core/json.ts";
import { CONTROL_LIMITS } from "../../core/limits.ts";
import { JsonError, parseJsonText } from "../../core/parse-json.ts";
import { act, add, type Cli, type Handler, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { BAD, FAILED, OK } from "../exit-codes.ts";
import { jsonObject, objectIn, rowsIn } from "../json-input.ts";
import { cell, pairs, pretty } from "../text.ts";

const plan: Handler = async (session, { args, options }) => {
  const text = textOption(options.args) ?? "{}";
  const params = {
    program: textOption(options.program) ?? "",
    capability: args[0] ?? "",
    args: jsonObject(text, "--args"),
  };
  const value = objectIn(await session.ask("plan", params));
  const { guard } = value;
  // A plan has no run, so no evidence either: what the guard will ask for is part of the answer.
  const done = isJsonObject(guard)
    ? "would be done, if the run has the evidence that the guard asks for"
    : "would be done";
  const would = value.ok === true ? done : "would be refused";
  const findings = rowsIn(value.findings).map((finding) => ["finding", finding] as const);
  const { capability, target, decision, costMilli, planHash, reason } = value;
  session.result(
    value,
    pairs([
      ["plan", would],
      ["capability", capability],
      ["target", target],
      ["decision", decision],
      ["reason", reason],
      ...(isJsonObject(guard) ? ([["guard", guard]] as const) : []),
      ["cost mphi", costMilli],
      ["plan hash", planHash],
      ...findings,
    ]),
  );
  if (value.ok === true) return OK;
  // Without a plan hash the request itself was not understood (capabilities.md 5).
  return typeof planHash === "string" ? FAILED : BAD;
};

const safe: Handler = async (session, { options }) => {
  const reason = textOption(options.reason);
  const value = await session.ask("outputs.safe", reason === null ? {} : { reason });
  session.result(value, pretty(value));
  return OK;
};

const sharedList: Handler = async (session) => {
  const value = await session.ask("shared.list", {});
  session.result(value, pretty(value));
  return OK;
};

const sharedGet: Handler = async (session, { args }) => {
  const value = await session.ask("shared.get", { key: args[0] ?? "" });
  session.result(value, `${cell(value)}\n`);
  return session.exit(objectIn(value).found !== false);
};

function jsonValue(text: string): Json {
  try {
    return parseJsonText(text, {
      maxBytes: CONTROL_LIMITS.valueBytes,
      maxDepth: CONTROL_LIMITS.argumentDepth,
    });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new UsageError(`the value is not valid JSON: ${error.message}`, `text needs quotes: '"text"'.`);
  }
}

const sharedPut: Handler = async (session, { args }) => {
  const [key = "", text = ""] = args;
  const value = await session.ask("shared.put", { key, value: jsonValue(text) });
  session.result(value, `${cell(value)}\n`);
  return OK;
};

export function addLive(program: Command, cli: Cli): void {
  add(program, "plan <capability>", {
    does: "show what a call of a program would meet: decision, guard, cost; does and counts nothing",
    examples: [`imuctl plan gpio.write --program irrigation --args '{"output":"pump","value":1}'`],
    exits: "0 would be done, 1 would be refused, 2 not a valid call",
  })
    .requiredOption("--program <name>", "the program whose rights count")
    .option("--args <json>", "arguments of the call", "{}")
    .action(act(cli, plan));
  const outputs = add(program, "outputs", { does: "act on all outputs" });
  add(outputs, "safe", { does: "drive every output to its declared safe state now" })
    .option("--reason <text>", "recorded in the ledger")
    .action(act(cli, safe));
  const shared = add(program, "shared", {
    does: "read and write the settings all devices of the site share",
  });
  add(shared, "list", { does: "list all shared settings" }).action(act(cli, sharedList));
  add(shared, "get <key>", { does: "show one", exits: "0 found, 1 not" }).action(act(cli, sharedGet));
  add(shared, "put <key> <json>", {
    does: "write one",
    examples: ["imuctl shared put climate.set_point 24.5"],
  }).action(act(cli, sharedPut));
}
