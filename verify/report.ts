/** What was proven by which key, and what was not and why. */
import { type Code, type Details, Refused, UNPROVEN } from "./codes.ts";
import { LIMITS } from "./limits.ts";

export type What = "file" | "checkpoint" | "entry" | "run" | "document" | "evidence" | "statement";

export interface Proven {
  readonly what: What;
  /** For example `entry 12` or `evidence 12/3`. */
  readonly item: string;
  readonly says: string;
  /** The key whose signature carries it: `<name>+<key id>`. */
  readonly by: string;
}

export interface Finding {
  readonly what: What;
  readonly item: string;
  readonly status: "refuted" | "unproven";
  readonly code: Code;
  readonly details: Details;
}

export interface Report {
  readonly schema: "imu.verification/1";
  readonly verdict: "verified" | "refuted" | "unproven";
  /** The first finding's code, null if all is proven. */
  readonly code: Code | null;
  readonly format: string | null;
  readonly origin: string | null;
  /** Entries in the signed tree, and its root in hex. */
  readonly size: number | null;
  readonly root: string | null;
  readonly signedBy: string | null;
  readonly witnessedBy: readonly string[];
  readonly counts: Readonly<Record<What, number>>;
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  readonly proven: readonly Proven[];
  /** What was not part of the proof, without being wrong. */
  readonly notes: readonly string[];
}

/** What is known once the checkpoint is believed. */
export type Signed = Pick<Report, "origin" | "size" | "root" | "signedBy" | "witnessedBy">;

/** What a file says is cut before it is kept: a report must not grow with what it refuses. */
const shortened = (details: Details): Details =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === "string" ? value.slice(0, 200) : value,
    ]),
  );

export class Findings {
  readonly #findings: Finding[] = [];
  readonly #proven: Proven[] = [];
  readonly #notes = new Set<string>();
  readonly #counts: Record<What, number> = {
    file: 0,
    checkpoint: 0,
    entry: 0,
    run: 0,
    document: 0,
    evidence: 0,
    statement: 0,
  };
  #count = 0;
  #refuted = false;

  /** Findings so far; a caller compares two moments. */
  get count(): number {
    return this.#count;
  }

  proven(what: What, item: string, says: string, by: string): void {
    this.#counts[what]++;
    if (this.#proven.length < LIMITS.proven) this.#proven.push({ what, item, says, by });
  }

  add(what: What, item: string, code: Code, details: Details = {}): void {
    const status = UNPROVEN.has(code) ? "unproven" : "refuted";
    this.#count++;
    if (status === "refuted") this.#refuted = true;
    if (this.#findings.length < LIMITS.findings) {
      this.#findings.push({ what, item, status, code, details: shortened(details) });
    }
  }

  /** @throws what is no refusal: a fault of the verifier or its platform. */
  caught(what: What, item: string, error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    this.add(what, item, error.code, error.details);
  }

  note(text: string): void {
    if (this.#notes.size < LIMITS.findings) this.#notes.add(text);
  }

  report(format: string | null, signed: Signed | null): Report {
    const bad = this.#refuted ? "refuted" : "unproven";
    const nothing: Signed = { origin: null, size: null, root: null, signedBy: null, witnessedBy: [] };
    return {
      schema: "imu.verification/1",
      verdict: this.#count === 0 ? "verified" : bad,
      code: this.#findings[0]?.code ?? null,
      format,
      ...(signed ?? nothing),
      counts: { ...this.#counts },
      findings: this.#findings,
      findingCount: this.#count,
      proven: this.#proven,
      notes: [...this.#notes],
    };
  }
}
