/**
 * Exports for people who trust nobody here: `imu.bundle/1`, in which every line carries its own proof
 * (docs/verification.md), and the plain range of the log of ledger.md 14. Both are given out in pages, so that neither the
 * daemon nor imuctl ever holds more than one.
 */
import { fromUtf8, toBase64 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { deviceIdOf } from "../core/key-record.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import type { ContentStore } from "../evidence/index.ts";
import {
  exportLines,
  formatVkey,
  type IndexedEntry,
  LedgerReader,
  parseCheckpoint,
  parseNote,
  TYPE_COSIGNATURE,
  TYPE_ED25519,
  verifierKey,
} from "../ledger/index.ts";
import type { Store } from "../ports/store.ts";
import { RunStore } from "../runs/index.ts";
import { openRun, placesOf, type RunPlace } from "./state-bundle-run.ts";
import { findRun } from "./state-bundle-search.ts";
import { type LedgerFacts, logOrigin } from "./state-ledger.ts";
import { countParam, optionalText, plainJson } from "./state-params.ts";

export const BUNDLE_FORMAT = "imu.bundle/1";

/** Where an export goes on. It travels to imuctl and back and is not believed. */
interface Cursor {
  readonly size: number;
  readonly index: number;
  readonly to: number;
  readonly content: boolean;
  /** Null for every run of the range. */
  readonly run: string | null;
  /** Runs of the entry at `index` that were given out: a rollup stands for many. */
  readonly nth: number;
  /** Lines of the next run that were given out; −1 before its entry, or before its first line. */
  readonly part: number;
  /** Lines so far. */
  readonly lines: number;
  /** Hashes of programs and policies that were given out with earlier runs, and are not repeated. */
  readonly shown: readonly string[];
}

interface Signed {
  readonly reader: LedgerReader;
  readonly note: string;
  readonly origin: string;
  readonly size: number;
}

const text = (line: Json): string => `${canonicalize(line)}\n`;

/** The log under its largest checkpoint. @throws CodedError `not_covered` (409) if nothing is signed yet. */
async function signedLog(store: Store): Promise<Signed> {
  const reader = await LedgerReader.open(store);
  const note = await reader.checkpoint();
  if (note === null) throw notCovered(0);
  return { reader, note, ...parseCheckpoint(parseNote(note).text) };
}

function notCovered(size: number): CodedError {
  const message = "No signed checkpoint covers these entries yet.";
  const remedy = "a running daemon signs one within a minute; a stopped one has signed its last.";
  return new CodedError("not_covered", message, { status: 409, details: { size, remedy } });
}

function badRange(details: JsonObject): never {
  throw new CodedError("args_invalid", "The range has no entries.", { status: 422, details });
}

async function entryAt(reader: LedgerReader, index: number): Promise<IndexedEntry> {
  const found = await reader.entry(index);
  if (found !== undefined) return found;
  throw new CodedError("not_found", `The ledger has no entry ${index}.`, { status: 404, details: { index } });
}

async function checkpointLine(log: Signed, size: number, note: string): Promise<string> {
  const proof = await log.reader.consistencyProof(size, log.size);
  return text({ t: "checkpoint", note, proof: proof.map(toBase64) });
}

/** Older checkpoints within the range, and what leads from the one that the reader of the export knows. */
async function olderLines(log: Signed, above: number, since: number): Promise<readonly string[]> {
  const notes = await log.reader.notes(Math.min(above, Math.max(0, since - 1)), log.size - 1);
  const shown = notes.filter(({ size }) => size > above).slice(-LEDGER_LIMITS.exportCheckpoints);
  const known = notes.find(({ size }) => size === since);
  const lines: string[] = [];
  if (known === undefined && since > 0 && since < log.size) {
    const proof = await log.reader.consistencyProof(since, log.size);
    lines.push(text({ t: "consistency", from: since, proof: proof.map(toBase64) }));
  }
  if (known !== undefined && !shown.includes(known)) {
    lines.push(await checkpointLine(log, known.size, fromUtf8(known.note)));
  }
  for (const { size, note } of shown) lines.push(await checkpointLine(log, size, fromUtf8(note)));
  return lines;
}

/**
 * The first page of a bundle: its header and checkpoints.
 * @param params `run`, or `from` and `to`; `since`, the size of a checkpoint that the reader knows; `content`, whether runs
 *   are shown with their documents and evidence.
 * @throws CodedError `not_found` (404), `not_covered` (409), `args_invalid` (422), those of the store.
 */
export async function openBundle(
  store: Store,
  content: ContentStore,
  params: JsonObject,
): Promise<JsonObject> {
  const log = await signedLog(store);
  const run = optionalText(params, "run", 64);
  const since = countParam(params, "since", LEDGER_LIMITS.index, 0);
  const found = run === null ? null : await findRun(log.reader, run, await rollupOf(store, content, run));
  const from = found ?? countParam(params, "from", LEDGER_LIMITS.index, 0);
  const to = found === null ? countParam(params, "to", LEDGER_LIMITS.index, log.size) : found + 1;
  if (from >= to) badRange({ from, to });
  if (to > log.size) throw notCovered(log.size);
  if (since > log.size) badRange({ since, size: log.size });
  const isWhole = run !== null || params.content === true;
  const header = { format: BUNDLE_FORMAT, origin: log.origin, from, to, run, content: isWhole };
  const lines = [text(header), text({ t: "checkpoint", note: log.note })];
  lines.push(...(await olderLines(log, run === null ? from : log.size, since)));
  const cursor: Cursor = {
    size: log.size,
    index: from,
    to,
    content: isWhole,
    run,
    nth: 0,
    part: -1,
    lines: lines.length,
    shown: [],
  };
  return { lines, cursor: plainJson(cursor) };
}

function readCursor(params: JsonObject): Cursor {
  const count = (name: string): number => countParam(params, name, LEDGER_LIMITS.index);
  return {
    size: count("size"),
    index: count("index"),
    to: count("to"),
    content: params.content === true,
    run: optionalText(params, "run", 64),
    nth: count("nth"),
    part: params.part === -1 ? -1 : count("part"),
    lines: count("lines"),
    shown: Array.isArray(params.shown) ? params.shown.map(String) : [],
  };
}

/** What is filled line by line until it is large enough. */
class Page {
  readonly lines: string[] = [];
  #length = 0;

  add(line: string): void {
    this.lines.push(line);
    this.#length += line.length;
  }

  get isFull(): boolean {
    return this.#length >= LEDGER_LIMITS.exportPageBytes;
  }
}

async function entryLine(
  reader: LedgerReader,
  { index, entry }: IndexedEntry,
  size: number,
): Promise<string> {
  const proof = await reader.inclusionProof(index, size);
  return text({ t: "entry", index, entry: plainJson(entry), proof: proof.map(toBase64) });
}

/** The first run of the rollup that covers a run; null if none does, or if its record is gone. */
async function rollupOf(store: Store, content: ContentStore, runId: string): Promise<string | null> {
  try {
    return (await new RunStore(store, content).stored(runId)).rollup;
  } catch (error) {
    if (error instanceof CodedError && error.code === "not_found") return null;
    throw error;
  }
}

/** The runs to show with an entry. */
async function runsOf(
  found: IndexedEntry,
  { content: isWhole, run }: Cursor,
  parts: { readonly store: Store; readonly content: ContentStore },
): Promise<readonly RunPlace[]> {
  if (!isWhole) return [];
  const places = await placesOf(found, parts);
  return run === null ? places : places.filter(({ runId, isLost }) => runId === run || isLost);
}

/**
 * The next page. @param params the cursor of the page before.
 * @returns lines, and the cursor of the next page, null after the last line.
 * @throws CodedError `args_invalid` (422), `not_found` (404) if an entry was pruned meanwhile, `integrity_error`.
 */
export async function bundlePage(
  store: Store,
  content: ContentStore,
  params: JsonObject,
): Promise<JsonObject> {
  const start = readCursor(params);
  const reader = await LedgerReader.open(store);
  const page = new Page();
  const shown = new Set(start.shown);
  let { index, nth, part } = start;
  while (index < start.to && !page.isFull) {
    const found = await entryAt(reader, index);
    if (part < 0 && nth === 0) {
      page.add(await entryLine(reader, found, start.size));
      part = 0;
    }
    const runs = await runsOf(found, start, { store, content });
    for (const run of runs.slice(nth)) {
      if (page.isFull) break;
      part = await addRun(page, run, Math.max(0, part), { store, content, shown });
      if (part >= 0) break;
      nth++;
    }
    if (nth < runs.length) break;
    [index, nth, part] = [index + 1, 0, -1];
  }
  const lines = start.lines + page.lines.length;
  if (index < start.to) {
    return { lines: page.lines, cursor: plainJson({ ...start, index, nth, part, lines, shown: [...shown] }) };
  }
  page.add(text({ t: "end", lines }));
  return { lines: page.lines, cursor: null };
}

/** @returns the number of lines of the run that were given out, −1 once all are. */
async function addRun(
  page: Page,
  place: RunPlace,
  part: number,
  parts: { readonly store: Store; readonly content: ContentStore; readonly shown: Set<string> },
): Promise<number> {
  const run = await openRun(place, parts);
  let at = 0;
  for await (const line of run.lines(part)) {
    if (page.isFull) return part + at;
    page.add(text(line));
    at++;
  }
  // Not before the run's end: a page that goes on within the run must count the same lines.
  for (const hash of run.repeatable) {
    if (parts.shown.size < LEDGER_LIMITS.exportDocuments) parts.shown.add(hash);
  }
  return -1;
}

/**
 * The range [from, to) in the form of ledger.md 14, page by page: the first call has no cursor.
 * @param params `from`, and `to`, the size of a stored checkpoint; or the cursor of the page before.
 * @throws CodedError as `openBundle`.
 */
export async function ledgerPage(store: Store, params: JsonObject): Promise<JsonObject> {
  const log = await signedLog(store);
  const to = countParam(params, "to", LEDGER_LIMITS.index, log.size);
  const from = countParam(params, "from", LEDGER_LIMITS.index, 0);
  const at = countParam(params, "at", LEDGER_LIMITS.index, from);
  if (from >= to || at < from) badRange({ from, to });
  const [stored] = await log.reader.notes(to - 1, to);
  if (stored === undefined) throw notCovered(log.size);
  const { reader } = log;
  const [tree, first] = [await reader.tree(from), await entryAt(reader, from)];
  const header = { origin: log.origin, from, to, prevHash: first.entry.prev_hash, range: tree };
  const page = new Page();
  let next = at;
  async function* entries() {
    for (; next < to && !page.isFull; next++) yield (await entryAt(reader, next)).entry;
  }
  let isHeader = true;
  for await (const line of exportLines(header, entries(), fromUtf8(stored.note))) {
    if (!isHeader || at === from) page.add(line);
    isHeader = false;
  }
  if (next === to) return { lines: withCount(page.lines, to - from), cursor: null };
  // The trailer belongs to the last page.
  return { lines: page.lines.slice(0, -1), cursor: { from, to, at: next } };
}

/** The trailer of a page counts the page's entries; that of the export counts all. */
function withCount(lines: readonly string[], entries: number): string[] {
  const trailer = JSON.parse(lines.at(-1) ?? "{}") as JsonObject;
  return [...lines.slice(0, -1), text({ ...trailer, entries })];
}

/**
 * The verifier keys of this device: what somebody needs to check its exports and its cosignatures.
 * @throws CodedError `key_missing`; `not_covered` if the log's name is not known yet.
 */
export async function ledgerKeys(facts: LedgerFacts): Promise<JsonObject> {
  const { deviceKey } = facts;
  if (deviceKey === null) throw new CodedError("key_missing", "The device's public key is not at hand.");
  const origin = await logOrigin(facts);
  if (origin === null) throw notCovered(0);
  const place = origin.split("/").slice(0, -1).join("/");
  return {
    device: deviceIdOf(deviceKey),
    log: formatVkey(verifierKey(origin, TYPE_ED25519, deviceKey)),
    witness: formatVkey(verifierKey(`${place}/witness`, TYPE_COSIGNATURE, deviceKey)),
  };
}
