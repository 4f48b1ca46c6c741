/**
 * Verifies what a device exported, from its public key alone. No code of the daemon is used: hashes come from
 * @noble/hashes, signatures from WebCrypto, so that the same module runs in Node.js and in a browser.
 */

import { BUNDLE_FORMAT, BundleReader, type LineReader, meetsKnown, treeText } from "./bundle.ts";
import { concat } from "./bytes.ts";
import { type Believed, believe, checkQuorum, signedOf, type Trust } from "./checkpoint.ts";
import { Refused, refuse } from "./codes.ts";
import { readLine } from "./json.ts";
import { readKeys } from "./keys.ts";
import { LEDGER_EXPORT_FORMAT, LedgerExportReader } from "./ledger-export.ts";
import { LIMITS } from "./limits.ts";
import { type Bytes, type Line, linesOf } from "./lines.ts";
import { Findings, type Report, type Signed } from "./report.ts";

import { envelopeIn, verifyStatement } from "./statement.ts";

export { CODES, type Code } from "./codes.ts";
export { LIMITS } from "./limits.ts";
export type { Finding, Proven, Report } from "./report.ts";
export { reportText } from "./text.ts";

export interface VerifyOptions {
  /** Keys of logs: vkeys, SPKI PEM texts or 64 hex digits. */
  readonly keys: readonly string[];
  /** vkeys of witnesses, type 0x04. */
  readonly witnesses?: readonly string[];
  /** Witnesses that must have cosigned; by default all that are given. */
  readonly quorum?: number;
  /** The signed note of a checkpoint that is known from before. */
  readonly known?: Uint8Array | string;
  /** POSIX seconds, for cosignatures that are ahead of time. */
  readonly nowSec: number;
}

const NOTE_FORMAT = "checkpoint";

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}

/** A checkpoint by itself: the lines are put together again as they were. */
async function verifyNoteAlone(
  first: Line,
  rest: AsyncIterator<Line>,
  trust: Trust,
  known: Believed | null,
  findings: Findings,
) {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let line: Line | null = first; line !== null; ) {
    parts.push(line.bytes, line.isWhole ? Uint8Array.of(0x0a) : new Uint8Array());
    length += line.bytes.length + 1;
    if (length > LIMITS.noteBytes) refuse("unknown_format");
    const next: IteratorResult<Line> = await rest.next();
    line = next.done === true ? null : next.value;
  }
  const head = await believe(concat(...parts), trust);
  checkQuorum(head, trust);
  if (known !== null && !meetsKnown(known, head)) refuse("consistency_missing", { from: known.size });
  findings.proven("checkpoint", `checkpoint ${head.size}`, treeText(head), head.by);
  return head;
}

interface Outcome {
  readonly format: string | null;
  readonly head: Believed | null;
  /** Of a statement, which has no checkpoint. */
  readonly signedBy?: string | null;
}

function readerOf(
  first: Line,
  trust: Trust,
  known: Believed | null,
  findings: Findings,
): [string, LineReader] {
  const header = readLine(first.bytes);
  const { format } = header;
  const reader =
    format === BUNDLE_FORMAT
      ? BundleReader.of(header, trust, known, findings)
      : format === LEDGER_EXPORT_FORMAT
        ? LedgerExportReader.of(header, trust, known, findings)
        : refuse("unknown_format", { format: String(format).slice(0, 80) });
  return [String(format), reader ?? refuse("malformed", { why: "header" })];
}

async function readAll(
  source: Bytes,
  trust: Trust,
  known: Believed | null,
  findings: Findings,
): Promise<Outcome> {
  const lines = linesOf(source);
  const { value: first, done } = await lines.next();
  if (done === true) refuse("truncated", { lines: 0 });
  if (first.bytes[0] !== 0x7b) {
    return { format: NOTE_FORMAT, head: await verifyNoteAlone(first, lines, trust, known, findings) };
  }
  const statement = envelopeIn(first.bytes);
  if (statement !== null) {
    const { done: isAlone } = await lines.next();
    if (isAlone !== true) refuse("out_of_order");
    return verifyStatement(statement, trust, findings);
  }
  const [format, reader] = readerOf(first, trust, known, findings);
  try {
    for await (const { bytes, isWhole } of lines) {
      // A line without its end was cut; its bytes say nothing about what it was.
      if (isWhole) await reader.line(bytes);
      if (findings.count > LIMITS.patience) refuse("too_large", { findings: LIMITS.patience });
    }
    reader.end();
  } catch (error) {
    findings.caught("file", "file", error);
  }
  return { format, head: reader.head };
}

/**
 * Reads the source once, as a stream. What a file holds can make it refuse, never throw.
 * @throws what the source throws, and the platform's error if its WebCrypto has no Ed25519.
 */
export async function verify(source: Bytes | Uint8Array, options: VerifyOptions): Promise<Report> {
  const findings = new Findings();
  let outcome: Outcome = { format: null, head: null };
  try {
    const keys = readKeys(options.keys, options.witnesses ?? []);
    const trust: Trust = { keys, quorum: options.quorum ?? keys.witnesses.length, nowSec: options.nowSec };
    const known = options.known === undefined ? null : await knownOf(options.known, trust);
    const bytes = source instanceof Uint8Array ? once(source) : source;
    outcome = await readAll(bytes, trust, known, findings);
  } catch (error) {
    findings.caught("file", "file", error);
  }
  return findings.report(outcome.format, signed(outcome));
}

function signed({ head, signedBy = null }: Outcome): Signed | null {
  if (head !== null) return signedOf(head);
  return signedBy === null ? null : { origin: null, size: null, root: null, signedBy, witnessedBy: [] };
}

async function knownOf(note: Uint8Array | string, trust: Trust): Promise<Believed> {
  try {
    return await believe(note, { ...trust, keys: { ...trust.keys, witnesses: [] } });
  } catch (error) {
    if (error instanceof Refused) return refuse("bad_known", { why: error.code });
    throw error;
  }
}
