/** The format `imu-ledger-export` (ledger.md 14): a range of the log, proven as a whole by the checkpoint at its end. */

import { isEntry, type LineReader, meetsKnown, treeText } from "./bundle.ts";
import { equal, fromBase64, sha256Hex } from "./bytes.ts";
import { type Believed, believe, checkQuorum, type Trust } from "./checkpoint.ts";
import { refuse } from "./codes.ts";
import { hasMembers, isHash, isIndex, type JsonObject, jcs, readLine } from "./json.ts";
import { GrowingTree, leafHash } from "./merkle.ts";
import type { Findings } from "./report.ts";

export const LEDGER_EXPORT_FORMAT = "imu-ledger-export";
const ZERO_HASH = "0".repeat(64);

interface Header {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
}

export class LedgerExportReader implements LineReader {
  readonly #header: Header;
  readonly #trust: Trust;
  readonly #known: Believed | null;
  readonly #findings: Findings;
  readonly #tree: GrowingTree;
  #prevHash: string;
  #index: number;
  #isOver = false;
  #isBroken = false;
  #head: Believed | null = null;

  private constructor(
    header: Header & { readonly prevHash: string; readonly tree: GrowingTree },
    trust: Trust,
    known: Believed | null,
    findings: Findings,
  ) {
    this.#header = header;
    this.#tree = header.tree;
    this.#prevHash = header.prevHash;
    this.#index = header.from;
    this.#trust = trust;
    this.#known = known;
    this.#findings = findings;
  }

  /** Null if the first line is not a header of this format and version. */
  static of(
    line: JsonObject,
    trust: Trust,
    known: Believed | null,
    findings: Findings,
  ): LedgerExportReader | null {
    const { origin, from, to, prevHash, range, v } = line;
    if (!hasMembers(line, "format v origin from to prevHash range") || v !== 1 || typeof origin !== "string")
      return null;
    if (!isIndex(from) || !isIndex(to) || from > to || !isHash(prevHash) || !Array.isArray(range))
      return null;
    if (from === 0 && prevHash !== ZERO_HASH) return null;
    const hashes = range.map(
      (text) => (typeof text === "string" ? fromBase64(text) : null) ?? new Uint8Array(),
    );
    const tree = GrowingTree.of(from, hashes);
    return tree === null
      ? null
      : new LedgerExportReader({ origin, from, to, prevHash, tree }, trust, known, findings);
  }

  get head(): Believed | null {
    return this.#head;
  }

  async line(bytes: Uint8Array): Promise<void> {
    const item = `entry ${this.#index}`;
    try {
      if (this.#isOver) refuse("out_of_order");
      const line = readLine(bytes);
      if (Object.hasOwn(line, "checkpoint")) await this.#trailer(line);
      else this.#entry(line);
    } catch (error) {
      this.#isBroken = true;
      this.#findings.caught(this.#isOver ? "checkpoint" : "entry", this.#isOver ? "checkpoint" : item, error);
    }
  }

  #entry(entry: JsonObject): void {
    const index = this.#index++;
    if (index >= this.#header.to) refuse("out_of_order", { index });
    if (!isEntry(entry)) refuse("bad_entry", { index });
    const bytes = jcs(entry);
    const follows = entry.prev_hash === this.#prevHash;
    this.#prevHash = sha256Hex(bytes);
    this.#tree.append(leafHash(bytes));
    if (!follows) refuse("chain_break", { index });
  }

  async #trailer(line: JsonObject): Promise<void> {
    this.#isOver = true;
    const { from, to, origin } = this.#header;
    if (!hasMembers(line, "checkpoint entries") || typeof line.checkpoint !== "string")
      refuse("malformed", { why: "members" });
    const head = await believe(line.checkpoint, this.#trust);
    if (head.origin !== origin) refuse("origin_mismatch", { stated: origin, signed: head.origin });
    this.#head = head;
    checkQuorum(head, this.#trust);
    if (this.#known !== null && !meetsKnown(this.#known, head)) {
      this.#findings.add("checkpoint", `checkpoint ${this.#known.size}`, "consistency_missing", {
        from: this.#known.size,
      });
    }
    if (line.entries !== to - from || this.#index !== to || head.size !== to) {
      refuse("incomplete", { stated: to - from, found: this.#index - from, size: head.size });
    }
    this.#findings.proven("checkpoint", `checkpoint ${head.size}`, treeText(head), head.by);
    if (this.#isBroken) return;
    if (!equal(this.#tree.root(), head.root)) refuse("root_mismatch", { from, to });
    this.#findings.proven("entry", `entries ${from} to ${to - 1}`, "the whole range, in this order", head.by);
  }

  end(): void {
    if (!this.#isOver)
      this.#findings.add("file", "end", "truncated", { entries: this.#index - this.#header.from });
  }
}
