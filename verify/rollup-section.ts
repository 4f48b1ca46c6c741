/** What belongs to a rollup: the records of the runs it sums up, each proven in the tree that its entry names (ledger.md 8). */
import { fromHex } from "./bytes.ts";
import { refuse } from "./codes.ts";
import type { RunFacts } from "./evidence.ts";
import { Gaps } from "./gaps.ts";
import { hasMembers, isHash, isIndex, isObject, type Json, type JsonObject, jcs } from "./json.ts";
import { GrowingTree, InclusionChecker, leafHash, readProof } from "./merkle.ts";
import type { Findings } from "./report.ts";

interface RollupFacts {
  readonly programHash: string;
  readonly policyHash: string;
  readonly actor: string;
  readonly device: string;
  readonly runsRoot: Uint8Array;
  readonly count: number;
}

/** What a record states that the run's own entry would have stated. */
export interface RecordedRun {
  readonly facts: RunFacts;
  /** The hashes that its documents must have. */
  readonly data: JsonObject;
}

/** Null unless the entry of a rollup states all that its runs are judged by. */
export function rollupFacts(event: JsonObject, device: string): RollupFacts | null {
  const { data, actor } = event;
  if (!isObject(data) || typeof actor !== "string") return null;
  const { programHash, policyHash, runsRoot, count } = data;
  if (!isHash(programHash) || !isHash(policyHash) || !isHash(runsRoot) || !isIndex(count) || count === 0)
    return null;
  const root = fromHex(runsRoot) ?? new Uint8Array();
  return { programHash, policyHash, actor, device, runsRoot: root, count };
}

/** Root of the tree over the ids of a record's evidence. */
function evidenceRoot(ids: readonly string[]): Uint8Array {
  const tree = GrowingTree.of(0, []);
  for (const id of ids) tree?.append(leafHash(fromHex(id) ?? new Uint8Array()));
  return tree?.root() ?? new Uint8Array();
}

function readRecord(record: Json | undefined, facts: RollupFacts): RecordedRun {
  if (!isObject(record)) refuse("malformed", { why: "record" });
  const { runId, subject, program, policyHash, inputHash, outputHash, evidence } = record;
  const isSound =
    typeof runId === "string" &&
    typeof subject === "string" &&
    isObject(program) &&
    isHash(program.programHash) &&
    [policyHash, inputHash, outputHash].every(isHash) &&
    Array.isArray(evidence) &&
    evidence.every(isHash);
  if (!isSound) refuse("malformed", { why: "record" });
  const { programHash } = program;
  if (programHash !== facts.programHash || policyHash !== facts.policyHash || subject !== facts.actor)
    refuse("run_mismatch", { run: runId });
  const ids = evidence.map(String);
  const run = { device: facts.device, runId, subject, evidenceCount: ids.length };
  return {
    facts: { ...run, evidenceRoot: evidenceRoot(ids) },
    data: { inputHash: inputHash ?? null, outputHash: outputHash ?? null, programHash, policyHash },
  };
}

export class RollupSection {
  readonly index: number;
  readonly #facts: RollupFacts;
  readonly #findings: Findings;
  readonly #by: string;
  /** The one run of which the file is, null if it shows all. */
  readonly #wanted: string | null;
  readonly #tree: InclusionChecker;
  readonly #seqs = new Gaps(0);
  #isWantedMet = false;
  #isWithheld = false;

  constructor(
    index: number,
    facts: RollupFacts,
    context: { readonly findings: Findings; readonly by: string; readonly wanted: string | null },
  ) {
    this.index = index;
    this.#facts = facts;
    this.#findings = context.findings;
    this.#by = context.by;
    this.#wanted = context.wanted;
    this.#tree = new InclusionChecker(facts.count, facts.runsRoot);
  }

  /** @returns the run whose documents and evidence follow. @throws Refused. */
  record(line: JsonObject): RecordedRun {
    const { seq } = line;
    const proof = readProof(line.proof);
    const isSound = hasMembers(line, "t index seq record proof") && isIndex(seq);
    if (!isSound || proof === null) refuse("malformed", { why: "members" });
    if (this.#isWithheld || !this.#seqs.take(seq)) refuse("out_of_order", { seq });
    const run = readRecord(line.record, this.#facts);
    if (!this.#tree.holds(seq, leafHash(jcs(line.record ?? null)), proof))
      refuse("record_not_included", { seq, run: run.facts.runId });
    const { runId } = run.facts;
    if (this.#wanted !== null && runId !== this.#wanted) refuse("run_mismatch", { run: runId });
    this.#isWantedMet = true;
    const says = `run ${runId}, one of ${this.#facts.count} that share the entry`;
    this.#findings.proven("document", `record ${this.index}/${seq}`, says, this.#by);
    return run;
  }

  /** The exporter has not all of its records any more. @throws Refused. */
  withheld(line: JsonObject): void {
    if (!hasMembers(line, "t index") || this.#isWantedMet || this.#isWithheld) refuse("out_of_order");
    this.#isWithheld = true;
    const what = this.#wanted ?? `${this.#facts.count} runs`;
    this.#findings.add("run", `${what} of rollup ${this.index}`, "run_withheld");
  }

  /** After its last line. */
  close(): void {
    if (this.#isWithheld) return;
    if (this.#wanted !== null) {
      if (!this.#isWantedMet) this.#findings.add("run", `run ${this.#wanted}`, "run_missing");
      return;
    }
    for (const gap of this.#seqs.missing(this.#facts.count))
      this.#findings.add("run", `record ${this.index}/${gap.from}`, "run_missing", { ...gap });
  }
}
