/** `imuctl ota` on the device: what runs, what was tried, staging a release by hand, giving up, going back. */
import type { Command } from "commander";
import { MAX_BUNDLE_BYTES, MAX_STATEMENT_BYTES } from "../../../ota/index.ts";
import { toBase64 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { CONTROL_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, type Handler, textOption } from "../command.ts";
import { OK } from "../exit-codes.ts";
import { objectIn, rowsIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { pairs, table, time } from "../text.ts";
import { addPublisher } from "./ota-publish.ts";

function runRow(run: JsonObject): readonly unknown[] {
  const { runId, startedAt, releaseId, version, state, reason, candidate } = run;
  return [runId, time(startedAt), releaseId, version, state, reason, candidate];
}

const status: Handler = async (session) => {
  const value = objectIn(await session.ask("ota.status", {}));
  const pointer = objectIn(value.pointer);
  const run = objectIn(value.run);
  const underWay =
    Object.keys(run).length === 0
      ? []
      : Object.entries({
          state: run.state,
          release: run.releaseId,
          version: run.version,
          candidate: run.candidate,
          reason: run.reason,
          run: run.runId,
        });
  session.result(
    value,
    pairs([
      ["running", value.running ?? "nothing: safe mode"],
      ["active", pointer.active],
      ["previous", pointer.previous],
      ["factory", pointer.factory],
      ...(underWay.length === 0 ? ([["update", "none under way"]] as const) : underWay),
    ]),
  );
  return OK;
};

const history: Handler = async (session) => {
  const value = await session.ask("ota.history", {});
  const runs = Array.isArray(value) ? rowsIn(value) : rowsIn(objectIn(value).runs);
  const names = ["run", "started", "release", "version", "state", "reason", "bundle"];
  session.result(value, table(names, runs.map(runRow), session.io.isTty));
  return OK;
};

const explain: Handler = async (session, { args }) => {
  const runId = args[0] ?? "";
  const value = await session.ask("ota.explain", { runId });
  if (value === null) {
    throw new CodedError("not_found", `There is no update ${runId}.`, {
      status: 404,
      details: { remedy: "imuctl ota history lists the last ones." },
    });
  }
  const run = objectIn(value);
  const gates = rowsIn(run.gateResults).map((result) => {
    const codes = rowsIn(result.violations).map(({ code }) => String(code));
    return [
      result.gate,
      result.ok === true ? "passed" : "failed",
      codes.join(","),
      result.facts,
      result.violations,
    ];
  });
  const { state, reason, releaseId, version, candidate, from, to } = run;
  const facts = pairs([
    ["state", state],
    ["reason", reason],
    ["release", releaseId],
    ["version", version],
    ["bundle", candidate],
    ["from", from],
    ["to", to],
  ]);
  session.result(
    run,
    `${facts}\n${table(["gate", "result", "codes", "measured", "findings"], gates, session.io.isTty)}`,
  );
  return OK;
};

function done(session: Session, value: JsonObject): number {
  session.result(value, pairs(Object.entries(value)));
  return OK;
}

const stage: Handler = async (session, { args }) => {
  const { files } = session.io;
  const [statementPath = "", bundlePath = ""] = args;
  const statement = await files.read(session.path(statementPath), MAX_STATEMENT_BYTES);
  const bundle = await files.read(session.path(bundlePath), MAX_BUNDLE_BYTES);
  const params = { statement: toBase64(statement), bundle: toBase64(bundle) };
  const size = JSON.stringify(params).length;
  if (size > CONTROL_LIMITS.stagedCharacters) {
    throw new CodedError(
      "too_large",
      `The release has ${size} bytes, the local socket takes ${CONTROL_LIMITS.stagedCharacters}.`,
      {
        status: 422,
        details: { remedy: "publish it over MQTT: imuctl ota publish." },
      },
    );
  }
  return done(session, objectIn(await session.ask("ota.stage", params, CONTROL_LIMITS.readMs)));
};

const abort: Handler = async (session) =>
  done(session, objectIn(await session.ask("ota.abort", {}, CONTROL_LIMITS.changeMs)));

const rollback: Handler = async (session, { args, options }) => {
  const reason = textOption(options.reason);
  const params = { target: args[0] ?? "auto", ...(reason === null ? {} : { reason }) };
  return done(session, objectIn(await session.ask("ota.rollback", params, CONTROL_LIMITS.changeMs)));
};

export function addOta(program: Command, cli: Cli): void {
  const ota = add(program, "ota", { does: "build, publish, watch and undo releases of policy and programs" });
  add(ota, "status", { does: "show the release in force and the update under way" }).action(act(cli, status));
  add(ota, "history", { does: "list the last updates, the newest first" }).action(act(cli, history));
  add(ota, "explain <runId>", {
    does: "show one update with the findings of every gate, both Φ values among them",
    examples: ["imuctl ota explain ota-01750000000000-1a2b3c4d"],
  }).action(act(cli, explain));
  addPublisher(ota, cli);
  add(ota, "stage <statement> <bundle>", {
    does: "hand a signed release to the daemon here; it is judged like one that came over MQTT",
    examples: ["imuctl ota stage greenhouse-2.statement.json greenhouse-2.bundle.json"],
    exits: "0 accepted for judgement, 1 refused",
  }).action(act(cli, stage));
  add(ota, "abort", { does: "give up the update under way; what ran before stays or returns" }).action(
    act(cli, abort),
  );
  add(ota, "rollback [target]", {
    does: "return at once to an earlier release: auto, previous, factory or its hash",
    examples: ["imuctl ota rollback", "imuctl ota rollback factory --reason 'pump stutters'"],
  })
    .option("--reason <text>", "recorded with it")
    .action(act(cli, rollback));
}
