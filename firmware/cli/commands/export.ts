/** `imuctl export` and `imuctl ledger export`: files that others verify with `imu-verify`, written page by page. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { LEDGER_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, countOption, type Handler, type OptionValue, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { OK } from "../exit-codes.ts";
import { objectIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { read } from "../state-access.ts";

const FILE_MODE = 0o644;

const linesIn = (page: JsonObject): string => {
  const { lines } = page;
  return Array.isArray(lines) ? lines.map(String).join("") : "";
};

/** A running daemon signs what it has first, so that the export reaches its last entry. */
async function signNow(session: Session): Promise<void> {
  if (session.stateDir !== null) return;
  try {
    await session.ask("ledger.checkpoint", {});
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "daemon_not_running") throw error;
  }
}

/** Beside its final name until it is whole. */
async function writeFile(path: string, pages: AsyncIterable<string>): Promise<void> {
  const part = `${path}.part`;
  let file: FileHandle | null = null;
  try {
    file = await open(part, "wx", FILE_MODE);
    for await (const page of pages) await file.writeFile(page);
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    if (file !== null) {
      await file.close();
      await rm(part, { force: true });
    }
    throw error;
  }
}

async function write(
  session: Session,
  options: Readonly<Record<string, OptionValue>>,
  lines: AsyncIterable<string>,
) {
  const told = new Told();
  const pages = counted(lines, told);
  const out = textOption(options.out);
  if (out === null) {
    for await (const page of pages) session.io.out(page);
    await tell(session, told);
    return OK;
  }
  const path = session.path(out);
  if (await session.io.files.info(path)) {
    throw new CodedError("file_exists", `${path} exists already; nothing was written.`, { status: 409 });
  }
  await writeFile(path, pages);
  await tell(session, told);
  session.result({ written: path }, `${path}\n`);
  return OK;
}

/** What the lines of an export come to, counted while they are written. */
class Told {
  readonly #hash = createHash("sha256");
  #first: Json = null;
  size = 0;

  add(page: string): void {
    if (this.size === 0) this.#first = JSON.parse(page.slice(0, page.indexOf("\n"))) as Json;
    const bytes = Buffer.from(page, "utf8");
    this.#hash.update(bytes);
    this.size += bytes.length;
  }

  get facts(): JsonObject {
    const { from = 0, to = 0 } = isJsonObject(this.#first) ? this.#first : {};
    return { from, to, sha256: this.#hash.digest("hex"), size: this.size };
  }
}

async function* counted(pages: AsyncIterable<string>, told: Told): AsyncGenerator<string> {
  for await (const page of pages) {
    told.add(page);
    yield page;
  }
}

/** A running daemon records that its log was copied; what was written stands whether it hears of it or not. */
async function tell(session: Session, told: Told): Promise<void> {
  if (session.stateDir !== null) return;
  try {
    await session.ask("export.done", told.facts);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

/** Asks for pages until there is no cursor. */
async function* pagesOf(
  session: Session,
  first: readonly [method: string, params: JsonObject],
  next: string,
): AsyncGenerator<string> {
  let [method, params]: readonly [string, JsonObject] = first;
  for (;;) {
    const page = objectIn((await read(session, method, params)).value);
    yield linesIn(page);
    if (page.cursor === null) return;
    params = objectIn(page.cursor);
    method = next;
  }
}

function optional(
  options: Readonly<Record<string, OptionValue>>,
  name: string,
): Readonly<Record<string, Json>> {
  const value = options[name];
  return value === undefined ? {} : { [name]: countOption(value, `--${name}`, LEDGER_LIMITS.index) };
}

const exportBundle: Handler = async (session, { options }) => {
  const run = textOption(options.run);
  if (run !== null && (options.from !== undefined || options.to !== undefined)) {
    throw new UsageError("--run stands for a range of its own.", "give --run, or --from and --to.");
  }
  await signNow(session);
  const params: JsonObject = {
    ...(run === null ? {} : { run }),
    ...optional(options, "from"),
    ...optional(options, "to"),
    ...optional(options, "since"),
    content: options.content === true,
  };
  return write(session, options, pagesOf(session, ["bundle.open", params], "bundle.page"));
};

export const exportLedger: Handler = async (session, { options }) => {
  await signNow(session);
  const params: JsonObject = { ...optional(options, "from"), ...optional(options, "to") };
  return write(session, options, pagesOf(session, ["ledger.export", params], "ledger.export"));
};

export function addExport(program: Command, cli: Cli): void {
  add(program, "export", {
    does: "write entries, runs and evidence with their proofs into one file, which imu-verify checks anywhere",
    examples: [
      "imuctl export --run r018f3a2b4c5d9e8f7a6b --out run.bundle",
      "imuctl export --from 100 --to 200 --content --out part.bundle",
      "imu-verify run.bundle --key device.pub",
    ],
  })
    .option("--run <id>", "one run: entry, documents, evidence")
    .option("--from <index>", "first entry (default 0)")
    .option("--to <index>", "one past the last entry (default: all that are signed)")
    .option("--content", "runs of the range with their documents and evidence")
    .option("--since <size>", "with a proof from the checkpoint of this size, which the reader has")
    .option("--out <file>", "a new file; without it standard output")
    .action(act(cli, exportBundle));
}
