/** The format `imu.bundle/1`: a state machine over its lines. docs/verification.md describes the format. */
import { equal, sha256Hex } from "./bytes.ts";
import { type Believed, believe, checkQuorum, type Trust } from "./checkpoint.ts";
import { refuse } from "./codes.ts";
import { Gaps } from "./gaps.ts";
import { hasMembers, isHash, isIndex, isObject, type Json, type JsonObject, jcs, readLine } from "./json.ts";
import { deviceInOrigin } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { InclusionChecker, leafHash, readProof, verifyConsistency } from "./merkle.ts";
import type { Findings, What } from "./report.ts";
import { RollupSection, rollupFacts } from "./rollup-section.ts";
import { RunSection, runFacts } from "./run-section.ts";

export const BUNDLE_FORMAT = "imu.bundle/1";
const ZERO_HASH = "0".repeat(64);

interface Header {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly run: string | null;
  readonly content: boolean;
}

/** Null unless the line is this format's header. */
function readHeader(line: JsonObject): Header | null {
  const { origin, from, to, run, content } = line;
  if (!hasMembers(line, "format origin from to run content")) return null;
  if (typeof origin !== "string" || !isIndex(from) || !isIndex(to) || from > to) return null;
  if (run !== null && (typeof run !== "string" || to !== from + 1)) return null;
  return typeof content === "boolean" ? { origin, from, to, run, content } : null;
}

/** Exactly the three members, as ledger.md 1 has them. */
export function isEntry(value: Json | undefined): value is JsonObject & { readonly event: JsonObject } {
  if (!isObject(value) || !hasMembers(value, "event prev_hash ts")) return false;
  return (
    isObject(value.event) &&
    typeof value.event.kind === "string" &&
    isHash(value.prev_hash) &&
    Number.isSafeInteger(value.ts)
  );
}

/** A reader of one format: fed line by line, it never throws for what a file can hold. */
export interface LineReader {
  line(bytes: Uint8Array): Promise<void>;
  end(): void;
  /** The checkpoint that everything rests on, once it is believed. */
  readonly head: Believed | null;
}

export class BundleReader implements LineReader {
  readonly #header: Header;
  readonly #trust: Trust;
  readonly #known: Believed | null;
  readonly #findings: Findings;
  #head: Believed | null = null;
  #tree = new InclusionChecker(0, new Uint8Array());
  #isDead = false;
  #isOver = false;
  #lines = 1;
  readonly #indexes: Gaps;
  #previous: { readonly index: number; readonly hash: string; readonly ts: number } | null = null;
  #run: RunSection | null = null;
  #rollup: RollupSection | null = null;
  readonly #shown = new Set<string>();
  #hasEntries = false;
  #isKnownMet = false;

  private constructor(header: Header, trust: Trust, known: Believed | null, findings: Findings) {
    this.#header = header;
    this.#trust = trust;
    this.#known = known;
    this.#findings = findings;
    this.#indexes = new Gaps(header.from);
  }

  /** Null if the first line is not the header of this format. */
  static of(
    first: JsonObject,
    trust: Trust,
    known: Believed | null,
    findings: Findings,
  ): BundleReader | null {
    const header = readHeader(first);
    return header === null ? null : new BundleReader(header, trust, known, findings);
  }

  get head(): Believed | null {
    return this.#head;
  }

  async line(bytes: Uint8Array): Promise<void> {
    this.#lines++;
    if (this.#isDead) return;
    let [what, item]: [What, string] = ["file", `line ${this.#lines}`];
    try {
      if (this.#isOver) refuse("out_of_order");
      if (this.#lines > LIMITS.lines) refuse("too_large", { lines: LIMITS.lines });
      const line = readLine(bytes);
      [what, item] = this.#nameOf(line) ?? [what, item];
      if (this.#head === null) await this.#first(line);
      else await this.#later(line, this.#head);
    } catch (error) {
      this.#findings.caught(what, item, error);
      // Without its checkpoint nothing in the file can be believed.
      if (this.#head === null) this.#isDead = true;
    }
  }

  #nameOf({ t, index, seq }: JsonObject): [What, string] | null {
    if (t === "checkpoint" || t === "consistency") return ["checkpoint", `checkpoint in line ${this.#lines}`];
    if (t === "entry" && isIndex(index)) return ["entry", `entry ${index}`];
    if (t === "record" && isIndex(index) && isIndex(seq)) return ["run", `record ${index}/${seq}`];
    if (t === "evidence" && isIndex(index) && isIndex(seq)) return ["evidence", `evidence ${index}/${seq}`];
    return t === "document" && isIndex(index) ? ["document", `document of entry ${index}`] : null;
  }

  async #first(line: JsonObject): Promise<void> {
    if (line.t !== "checkpoint") refuse("out_of_order");
    if (!hasMembers(line, "t note") || typeof line.note !== "string") refuse("malformed", { why: "members" });
    const head = await believe(line.note, this.#trust);
    const { origin, to } = this.#header;
    if (head.origin !== origin) refuse("origin_mismatch", { stated: origin, signed: head.origin });
    this.#head = head;
    this.#tree = new InclusionChecker(head.size, head.root);
    const item = `checkpoint ${head.size}`;
    const before = this.#findings.count;
    this.#check(item, () => checkQuorum(head, this.#trust));
    this.#check(item, () => {
      // Whatever comes of it, it is said here and not again where the entries begin.
      this.#isKnownMet = true;
      if (this.#known !== null) this.#isKnownMet = meetsKnown(this.#known, head);
    });
    this.#check(item, () => {
      if (to > head.size) refuse("rolled_back", { size: head.size, entries: to });
    });
    if (head.unknownLines > 0)
      this.#findings.note(`${head.unknownLines} signatures by keys that were not given`);
    if (this.#findings.count > before) return;
    this.#findings.proven("checkpoint", item, treeText(head), head.by);
  }

  #check(item: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#findings.caught("checkpoint", item, error);
    }
  }

  async #later(line: JsonObject, head: Believed): Promise<void> {
    switch (line.t) {
      case "checkpoint":
        return this.#older(line, head);
      case "consistency":
        return this.#consistency(line, head);
      case "entry":
        return this.#entry(line, head);
      case "record":
        return this.#record(line, head);
      case "document":
      case "evidence":
      case "withheld":
        if (line.t === "withheld" && this.#run === null && this.#rollup?.index === line.index)
          return this.#rollup?.withheld(line);
        if (this.#run === null || line.index !== this.#run.index) refuse("out_of_order");
        return this.#run.line(line, this.#findings.count < LIMITS.diagnoses);
      case "end":
        if (!hasMembers(line, "t lines")) refuse("malformed", { why: "members" });
        this.#finish();
        this.#isOver = true;
        if (line.lines !== this.#lines - 1)
          refuse("incomplete", { stated: Number(line.lines), found: this.#lines - 1 });
        return;
      default:
        refuse("malformed", { why: "unknown line" });
    }
  }

  async #older(line: JsonObject, head: Believed): Promise<void> {
    const proof = readProof(line.proof);
    if (!hasMembers(line, "t note proof") || typeof line.note !== "string" || proof === null) {
      refuse("malformed", { why: "members" });
    }
    if (this.#hasEntries) refuse("out_of_order");
    const older = await believe(line.note, this.#trust);
    if (older.origin !== head.origin) refuse("wrong_origin", { origin: older.origin });
    if (older.size === head.size && !equal(older.root, head.root)) refuse("fork", { size: head.size });
    if (older.size >= head.size) refuse("out_of_order", { size: older.size });
    const known = this.#known;
    if (known?.size === older.size && !equal(known.root, older.root)) refuse("fork", { size: older.size });
    this.#extends(older, head, proof);
    if (known?.size === older.size) this.#isKnownMet = true;
    this.#findings.proven(
      "checkpoint",
      `checkpoint ${older.size}`,
      `the tree of ${head.size} extends it`,
      older.by,
    );
  }

  #extends(
    older: { readonly size: number; readonly root: Uint8Array },
    head: Believed,
    proof: readonly Uint8Array[],
  ): void {
    if (!verifyConsistency(older.size, head.size, older.root, head.root, proof)) {
      refuse("inconsistent", { from: older.size, to: head.size });
    }
  }

  #consistency(line: JsonObject, head: Believed): void {
    const proof = readProof(line.proof);
    const { from } = line;
    if (!hasMembers(line, "t from proof") || proof === null || !isIndex(from))
      refuse("malformed", { why: "members" });
    if (this.#hasEntries) refuse("out_of_order");
    if (this.#known?.size !== from) {
      this.#findings.note(
        `the consistency proof from size ${from} was not used: give that checkpoint with --known`,
      );
      return;
    }
    this.#extends(this.#known, head, proof);
    this.#isKnownMet = true;
    this.#findings.proven(
      "checkpoint",
      `checkpoint ${from}`,
      `the tree of ${head.size} extends the known one`,
      head.by,
    );
  }

  #entry(line: JsonObject, head: Believed): void {
    const { index, entry } = line;
    const proof = readProof(line.proof);
    if (!hasMembers(line, "t index entry proof") || proof === null || !isIndex(index))
      refuse("malformed", { why: "members" });
    if (index < this.#header.from || index >= this.#header.to) refuse("out_of_order", { index });
    this.#closeRun();
    this.#beginEntries();
    if (!this.#indexes.take(index)) refuse("out_of_order", { index });
    const previous = this.#previous;
    this.#previous = null;
    if (!isEntry(entry)) refuse("bad_entry", { index });
    const bytes = jcs(entry);
    if (!this.#tree.holds(index, leafHash(bytes), proof)) refuse("not_included", { index });
    const ts = Number(entry.ts);
    this.#previous = { index, hash: sha256Hex(bytes), ts };
    const before = index === 0 ? ZERO_HASH : previous?.index === index - 1 ? previous.hash : null;
    if (before !== null && entry.prev_hash !== before) refuse("chain_break", { index });
    if (previous !== null && ts < previous.ts)
      this.#findings.note(`entry ${index}: its time lies before that of the entry before`);
    this.#findings.proven("entry", `entry ${index}`, String(entry.event.kind), head.by);
    this.#beginRun(index, entry.event, head);
  }

  #beginRun(index: number, event: JsonObject, head: Believed): void {
    const { run, content } = this.#header;
    const isRollup = event.kind === "run_rollup";
    if (run !== null && !isRollup && (event.kind !== "run" || event.runId !== run))
      refuse("run_mismatch", { index, run });
    if (!content) return;
    const device = deviceInOrigin(head.origin);
    if (isRollup) {
      const rolled = rollupFacts(event, device);
      if (rolled === null) refuse("bad_entry", { index });
      const context = { findings: this.#findings, by: head.by, wanted: run };
      this.#rollup = new RollupSection(index, rolled, context);
    }
    if (event.kind !== "run") return;
    const facts = runFacts(event, device);
    if (facts === null || !isObject(event.data)) refuse("bad_entry", { index });
    this.#run = new RunSection(index, facts, event.data, {
      findings: this.#findings,
      by: head.by,
      shown: this.#shown,
    });
  }

  #record(line: JsonObject, head: Believed): void {
    const rollup = this.#rollup;
    if (rollup === null || line.index !== rollup.index) refuse("out_of_order");
    this.#run?.close();
    this.#run = null;
    const { facts, data } = rollup.record(line);
    this.#run = new RunSection(rollup.index, facts, data, {
      findings: this.#findings,
      by: head.by,
      shown: this.#shown,
    });
  }

  /** What is known already must have been met before the first entry. */
  #beginEntries(): void {
    if (this.#hasEntries) return;
    this.#hasEntries = true;
    const known = this.#known;
    if (known === null || this.#isKnownMet) return;
    this.#findings.add("checkpoint", `checkpoint ${known.size}`, "consistency_missing", { from: known.size });
  }

  #closeRun(): void {
    this.#run?.close();
    this.#run = null;
    this.#rollup?.close();
    this.#rollup = null;
  }

  /** What the lines so far should have shown and have not. */
  #finish(): void {
    this.#closeRun();
    this.#beginEntries();
    for (const gap of this.#indexes.missing(this.#header.to)) {
      this.#findings.add("entry", `entry ${gap.from}`, "entry_missing", { ...gap });
    }
  }

  end(): void {
    if (this.#isDead || this.#isOver) return;
    this.#findings.add("file", "end", "truncated", { lines: this.#lines });
    if (this.#head !== null) this.#finish();
  }
}

export function treeText({ size, witnesses }: Believed): string {
  const cosigned = witnesses.length === 0 ? "" : `, cosigned by ${witnesses.length} witnesses`;
  return `a tree of ${size} entries${cosigned}`;
}

/** Whether the known checkpoint is the file's own. @throws Refused `rolled_back`, `fork`. */
export function meetsKnown(known: Believed, head: Believed): boolean {
  if (known.size > head.size) refuse("rolled_back", { known: known.size, size: head.size });
  if (known.size < head.size) return known.size === 0;
  if (!equal(known.root, head.root)) refuse("fork", { size: head.size });
  return true;
}
