/** What belongs to one run: its documents, hashed against its entry, and its evidence in order of recording. */
import { fromBase64, fromHex, sha256Hex } from "./bytes.ts";
import { type Code, refuse } from "./codes.ts";
import { checkEvidence, type RunFacts } from "./evidence.ts";
import { Gaps } from "./gaps.ts";
import { hashJson, hasMembers, isHash, isIndex, isObject, type JsonObject } from "./json.ts";
import { LIMITS } from "./limits.ts";
import { readProof } from "./merkle.ts";
import type { Findings } from "./report.ts";

/** Documents in their order in the file; the policy may be gone by the time of an export. */
const DOCUMENTS: readonly {
  readonly of: string;
  readonly hash: string;
  readonly code: Code;
  readonly isOptional?: true;
  /** Shown once for all runs that name it. */
  readonly isShared?: true;
}[] = [
  { of: "input", hash: "inputHash", code: "input_hash_mismatch" },
  { of: "outcome", hash: "outputHash", code: "output_hash_mismatch" },
  { of: "program", hash: "programHash", code: "program_hash_mismatch", isShared: true },
  { of: "policy", hash: "policyHash", code: "policy_hash_mismatch", isOptional: true, isShared: true },
];

/** Null unless the entry of a run states all that its run is judged by. */
export function runFacts(event: JsonObject, device: string): RunFacts | null {
  const { data, runId, actor } = event;
  if (!isObject(data) || typeof runId !== "string" || typeof actor !== "string") return null;
  const { evidenceRoot, evidenceCount } = data;
  if (!isHash(evidenceRoot) || !isIndex(evidenceCount)) return null;
  const root = fromHex(evidenceRoot) ?? new Uint8Array();
  return { device, runId, subject: actor, evidenceRoot: root, evidenceCount };
}

export interface RunContext {
  readonly findings: Findings;
  /** The key that signed the tree with the run's entry. */
  readonly by: string;
  /** Shared documents that were proven with an earlier run. */
  readonly shown: Set<string>;
}

export class RunSection {
  readonly index: number;
  readonly #facts: RunFacts;
  readonly #data: JsonObject;
  readonly #findings: Findings;
  readonly #by: string;
  readonly #shown: Set<string>;
  readonly #before: number;
  readonly #seen = new Set<string>();
  #documents = 0;
  readonly #seqs = new Gaps(0);
  #hasEvidence = false;
  #isWithheld = false;

  constructor(index: number, facts: RunFacts, data: JsonObject, context: RunContext) {
    this.index = index;
    this.#facts = facts;
    this.#data = data;
    this.#findings = context.findings;
    this.#by = context.by;
    this.#shown = context.shown;
    this.#before = context.findings.count;
  }

  /** @param mayDiagnose see `checkEvidence`. @throws Refused. */
  line(line: JsonObject, mayDiagnose: boolean): void {
    if (this.#isWithheld) refuse("out_of_order");
    if (line.t === "document") this.#document(line);
    else if (line.t === "evidence") this.#evidence(line, mayDiagnose);
    else this.#withheld(line);
  }

  #withheld(line: JsonObject): void {
    if (!hasMembers(line, "t index") || this.#documents > 0 || this.#hasEvidence) refuse("out_of_order");
    this.#isWithheld = true;
  }

  #document(line: JsonObject): void {
    const at = DOCUMENTS.findIndex(({ of }) => of === line.of);
    const document = DOCUMENTS[at];
    if (document === undefined || !hasMembers(line, "t index of value"))
      refuse("malformed", { why: "members" });
    if (at < this.#documents || this.#hasEvidence) refuse("out_of_order");
    this.#documents = at + 1;
    this.#seen.add(document.of);
    const stated = this.#data[document.hash];
    if (hashJson(line.value ?? null) !== stated) refuse(document.code);
    if (document.isShared && this.#shown.size < LIMITS.documents) this.#shown.add(`${document.of} ${stated}`);
    const item = `${document.of} of run ${this.#facts.runId}`;
    this.#findings.proven("document", item, `has the hash that entry ${this.index} names`, this.#by);
  }

  #evidence(line: JsonObject, mayDiagnose: boolean): void {
    const { seq, id, blob } = line;
    const proof = readProof(line.proof);
    const isSound = hasMembers(line, "t index seq id body proof blob?") && isIndex(seq) && isHash(id);
    if (!isSound || proof === null) refuse("malformed", { why: "members" });
    this.#hasEvidence = true;
    if (seq >= this.#facts.evidenceCount) refuse("evidence_not_included", { seq });
    if (!this.#seqs.take(seq)) refuse("out_of_order", { seq });
    const { kind, sha256, isInline } = checkEvidence(
      { seq, id, body: line.body },
      proof,
      this.#facts,
      mayDiagnose,
    );
    if (isInline !== (blob === undefined)) refuse(isInline ? "malformed" : "payload_missing", { seq });
    const bytes = typeof blob === "string" ? fromBase64(blob) : null;
    if (!isInline && (bytes === null || sha256Hex(bytes) !== sha256)) refuse("digest_mismatch", { seq });
    const says = `${kind}, recorded by this run`;
    this.#findings.proven("evidence", `evidence ${this.index}/${seq}`, says, this.#by);
  }

  /** After the run's last line. */
  close(): void {
    const item = `run ${this.#facts.runId}`;
    if (this.#isWithheld) {
      this.#findings.add("run", item, "run_withheld");
      return;
    }
    for (const { of, hash, isOptional } of DOCUMENTS) {
      if (this.#seen.has(of) || this.#shown.has(`${of} ${this.#data[hash]}`)) continue;
      if (isOptional) this.#findings.note(`${item}: its ${of} is not part of the file`);
      else this.#findings.add("document", `${of} of ${item}`, "document_missing");
    }
    const { evidenceCount } = this.#facts;
    for (const gap of this.#seqs.missing(evidenceCount)) {
      this.#findings.add("evidence", `evidence ${this.index}/${gap.from}`, "evidence_missing", { ...gap });
    }
    if (this.#findings.count !== this.#before) return;
    const says = `these inputs, this program and this outcome, with all ${evidenceCount} evidence records`;
    this.#findings.proven("run", item, says, this.#by);
  }
}
