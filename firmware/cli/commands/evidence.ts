/** `imuctl evidence`: shows what runs saw, and carries a run with its evidence to another machine. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { LevelStore } from "../../adapters/level-store.ts";
import {
  type ExportedRun,
  importRun,
  MAX_EXPORT_BYTES,
  MAX_EXPORT_DEPTH,
  readRunExport,
} from "../../composition/state-export.ts";
import { utf8 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { deviceIdOf } from "../../core/key-record.ts";
import { ContentStore } from "../../evidence/index.ts";
import { act, add, type Cli, type Handler, textOption } from "../command.ts";
import { FAILED, OK } from "../exit-codes.ts";
import { jsonFile, objectIn, rowsIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { placeOf, publicKeyAt, read } from "../state-access.ts";
import { pretty, table, time } from "../text.ts";

const EVIDENCE_ID = /^[0-9a-f]{64}$/;
const FILE_MODE = 0o644;
const STATE_MODE = 0o700;

const show: Handler = async (session, { args }) => {
  const [wanted = ""] = args;
  const isId = EVIDENCE_ID.test(wanted);
  const { value } = await read(session, "evidence.show", isId ? { id: wanted } : { runId: wanted });
  const list = rowsIn(objectIn(value).evidence);
  const rows = list.map((one) => [
    one.seq,
    time(one.ts),
    one.kind,
    one.source,
    one.trust,
    one.integrity,
    one.seal,
    one.id,
  ]);
  const names = ["seq", "time", "kind", "source", "trust", "integrity", "seal", "id"];
  session.result(value, isId ? pretty(list[0] ?? {}) : table(names, rows, session.io.isTty));
  // Damaged evidence is shown, and is a failure for whoever asked a script to look.
  return session.exit(list.every(({ integrity, seal }) => integrity === "intact" && seal !== "bad_seal"));
};

const exportCommand: Handler = async (session, { args, options }) => {
  const { value } = await read(session, "evidence.export", { runId: args[0] ?? "" });
  const text = `${JSON.stringify(value)}\n`;
  const out = textOption(options.out);
  if (out === null) {
    session.io.out(text);
    return OK;
  }
  const path = session.path(out);
  if (await session.io.files.info(path)) {
    throw new CodedError("file_exists", `${path} exists already; nothing was written.`, { status: 409 });
  }
  await session.io.files.writeAtomic(path, utf8(text), FILE_MODE);
  session.result({ written: path }, `${path}\n`);
  return OK;
};

/** Reads and re-hashes an exported run. @throws CodedError of `readRunExport`, `too_large`, `not_found`. */
export async function readExportFile(session: Session, path: string): Promise<ExportedRun> {
  const limits = { maxBytes: MAX_EXPORT_BYTES, maxDepth: MAX_EXPORT_DEPTH };
  const run = readRunExport(await jsonFile(session, path, limits));
  if (run.ok) return run;
  throw new CodedError(run.code, `${path} is not an intact export of a run (${run.code}).`, {
    status: run.status,
    details: { ...run.details, remedy: "export the run again; an altered file is never imported." },
  });
}

const importCommand: Handler = async (session, { args }) => {
  const run = await readExportFile(session, args[0] ?? "");
  const { dir } = await placeOf(session);
  const deviceKey = await publicKeyAt(session, join(dir, "keys", "device.pub"));
  const owner = deviceKey === null ? null : deviceIdOf(deviceKey);
  if (session.stateDir !== null) await mkdir(dir, { recursive: true, mode: STATE_MODE });
  await using store = await LevelStore.open(join(dir, "db"), { create: session.stateDir !== null });
  const content = new ContentStore({ store, wallMs: () => session.io.clock.wallMs() });
  const { isNew } = await importRun(store, content, run, owner);
  const { runId } = run.record;
  const evidence = run.evidence.length;
  session.result(
    { runId, evidence, isNew },
    `${runId}\t${evidence} records\t${isNew ? "imported" : "already there"}\n`,
  );
  return OK;
};

export function addEvidence(program: Command, cli: Cli): void {
  const evidence = add(program, "evidence", { does: "show, export and import the evidence of runs" });
  add(evidence, "show <id|runId>", {
    does: "show one record by its id, or all of a run, re-hashed",
    examples: ["imuctl evidence show r018f3a2b4c5d9e8f7a6b"],
    exits: `0 intact, ${FAILED} damaged or not found`,
  }).action(act(cli, show));
  add(evidence, "export <runId>", {
    does: "write a run with program, journal and evidence as one document",
    examples: ["imuctl evidence export r018f3a2b4c5d9e8f7a6b --out run.json"],
  })
    .option("--out <file>", "a new file; without it standard output")
    .action(act(cli, exportCommand));
  add(evidence, "import <file>", {
    does: "check an exported run and store it in a stopped state, or in a new one given by --state",
    examples: ["imuctl evidence import run.json --state /tmp/look", "imuctl replay --state /tmp/look r018f…"],
  }).action(act(cli, importCommand));
}
