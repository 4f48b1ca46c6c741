/** `imuctl sim record`: a field incident as a scenario, from what the device recorded. */
import { join } from "node:path";
import type { Command } from "commander";
import { type RecordedRun, recordScenario } from "../../../sim/harness/record.ts";
import { documentText } from "../../../sim/scenario/document-text.ts";
import { LevelStore } from "../../adapters/level-store.ts";
import { type ExportedRun, exportRun, readRunExport } from "../../composition/state-export.ts";
import { ReadOnlyStore } from "../../composition/state-read-only.ts";
import { listRuns } from "../../composition/state-runs.ts";
import { utf8 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { CONTROL_LIMITS, FILE_LIMITS } from "../../core/limits.ts";
import { ContentStore } from "../../evidence/index.ts";
import {
  act,
  add,
  type Call,
  type Cli,
  countOption,
  type Handler,
  type OptionValue,
  textOption,
} from "../command.ts";
import { UsageError } from "../errors.ts";
import { OK } from "../exit-codes.ts";
import { jsonFile, objectIn, rowsIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { durationOption } from "../sim/options.ts";
import { placeOf } from "../state-access.ts";
import { safe } from "../text.ts";
import { readExportFile } from "./evidence.ts";

const DEFAULT_BEFORE_US = 600_000_000;
const FILE_MODE = 0o644;

/** Where recorded runs are read from: the daemon, or its state while it is stopped. */
interface RunSource extends AsyncDisposable {
  list(limit: number): Promise<readonly JsonObject[]>;
  read(runId: string): Promise<Json>;
}

async function openSource(session: Session): Promise<RunSource> {
  if (session.stateDir === null) {
    try {
      await session.ask("run.list", { limit: 0 });
      return {
        list: async (limit) => rowsIn(objectIn(await session.ask("run.list", { limit })).runs),
        read: (runId) => session.ask("evidence.export", { runId }),
        [Symbol.asyncDispose]: async () => undefined,
      };
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "daemon_not_running") throw error;
    }
  }
  const { dir } = await placeOf(session);
  const level = await LevelStore.open(join(dir, "db"), { create: false });
  const store = new ReadOnlyStore(level);
  const content = new ContentStore({ store, wallMs: () => session.io.clock.wallMs() });
  return {
    list: async (limit) => rowsIn((await listRuns(store, content, { limit, program: null })).runs),
    read: (runId) => exportRun(store, content, runId),
    [Symbol.asyncDispose]: () => level[Symbol.asyncDispose](),
  };
}

/** Wall ms of `2026-09-23T10:00:00Z` or of a number. */
function momentOption(value: OptionValue, name: string): number | null {
  const text = textOption(value);
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new UsageError(`${name} must be a time such as 2026-09-23T10:00:00Z, not "${text}".`);
}

/** Which of the recorded runs are meant. */
function isWanted(rows: readonly JsonObject[], { options }: Call): (row: JsonObject) => boolean {
  const runId = textOption(options.run);
  const [from, to] = [momentOption(options.from, "--from"), momentOption(options.to, "--to")];
  if (runId !== null) {
    const beforeMs = (durationOption(options.before, "--before") ?? DEFAULT_BEFORE_US) / 1000;
    const run = rows.find((row) => row.runId === runId);
    if (!run) throw new CodedError("not_found", `There is no run ${runId}.`, { status: 404 });
    const startedAt = Number(run.startedAt);
    return (row) => Number(row.startedAt) <= startedAt && Number(row.startedAt) >= startedAt - beforeMs;
  }
  return (row) =>
    (from === null || Number(row.startedAt) >= from) && (to === null || Number(row.startedAt) <= to);
}

async function exportedRuns(session: Session, call: Call): Promise<readonly ExportedRun[]> {
  if (call.args.length > 0) {
    const runs: ExportedRun[] = [];
    for (const file of call.args) runs.push(await readExportFile(session, session.path(file)));
    return runs;
  }
  await using source = await openSource(session);
  const limit =
    call.options.limit === undefined
      ? CONTROL_LIMITS.list
      : countOption(call.options.limit, "--limit", CONTROL_LIMITS.list);
  const rows = await source.list(limit);
  if (rows.length === limit) session.note(`only the newest ${limit} runs were looked at`);
  const runs: ExportedRun[] = [];
  for (const { runId } of rows.filter(isWanted(rows, call))) {
    session.io.signal.throwIfAborted();
    const run = readRunExport(await source.read(String(runId)));
    if (run.ok) runs.push(run);
    else session.note(`${String(runId)} is left out: it is not intact (${run.code})`);
  }
  return runs;
}

/** A stored release brings its policy; the factory's is the file that the configuration names. */
async function policyOf(session: Session, runs: readonly ExportedRun[]): Promise<JsonObject> {
  const recorded = runs.findLast(({ policy }) => policy !== null)?.policy;
  if (recorded) return recorded;
  const { policyFile } = await session.config();
  const limits = { maxBytes: FILE_LIMITS.exportBytes, maxDepth: FILE_LIMITS.exportDepth };
  const value = await jsonFile(session, join(session.configDir, policyFile), limits);
  if (isJsonObject(value)) return value;
  throw new CodedError("malformed", `${policyFile} is no policy.`, { status: 422 });
}

const record: Handler = async (session, call) => {
  const config = await session.config();
  const runs = await exportedRuns(session, call);
  const [first] = runs;
  if (!first) throw new CodedError("not_found", "There is no recorded run in this time.", { status: 404 });
  const { document, notes, ...recorded } = recordScenario({
    name: textOption(call.options.name) ?? "incident",
    config,
    settings: { clock: { trust: config.clock.trust } },
    policy: await policyOf(session, runs),
    deviceId: first.evidence[0]?.body.deviceId ?? "",
    runs: runs.map(
      ({ record: one, program, evidence }): RecordedRun => ({
        record: one,
        program: { ...program } as JsonObject,
        evidence,
      }),
    ),
  });
  const out = textOption(call.options.out);
  const text = documentText(document);
  if (out !== null) await session.io.files.writeAtomic(session.path(out), utf8(text), FILE_MODE);
  const written = out === null ? null : session.path(out);
  session.result({ scenario: document, ...recorded, notes, written }, out === null ? text : `${out}\n`);
  for (const note of notes) session.note(safe(note));
  session.note(`${recorded.runs} runs; what is recorded from here on is SIMULATED`);
  return OK;
};

export function addSimRecord(group: Command, cli: Cli): void {
  add(group, "record [exports...]", {
    does: "make a scenario of what this device measured, with its policy and programs, to replay an incident",
    examples: [
      "imuctl sim record --run r018f3a2b4c5d9e8f7a6b --out incident.yaml",
      "imuctl sim record --from 2026-09-23T10:00:00Z --to 2026-09-23T10:30:00Z --out incident.yaml",
      "imuctl sim record run.json --out incident.yaml",
    ],
  })
    .option("--run <id>", "the time up to this run")
    .option("--before <time>", "with --run: how long before it (default: 10m)")
    .option("--from <moment>", "runs that started from this moment on")
    .option("--to <moment>", "runs that started up to this moment")
    .option("--limit <n>", `newest runs to look at (default: ${CONTROL_LIMITS.list})`)
    .option("--name <name>", "name of the scenario (default: incident)")
    .option("--out <file>", "write the scenario to this file instead of printing it")
    .action(act(cli, record));
}
