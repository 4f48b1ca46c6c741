/** Every code the verifier answers with. docs/verification.md explains the same list; a test compares the two. */
export const CODES = {
  // The file
  too_large: "more bytes, lines or levels than any export has",
  malformed: "a line is not canonical JSON of a known shape",
  unknown_format: "no format that this verifier knows",
  out_of_order: "a line stands where it cannot stand: moved, doubled or inserted",
  truncated: "the file ends before its last line",
  incomplete: "the file has not the lines it says it has",
  // The checkpoint
  bad_note: "the checkpoint is not a signed note",
  bad_checkpoint: "the note is not a checkpoint",
  wrong_origin: "the checkpoint is of another log than the given key's",
  wrong_key: "the log's name is right, but none of the given keys has signed",
  bad_signature: "a signature by a given key is not valid",
  bad_cosignature: "a cosignature by a given witness is not valid",
  not_witnessed: "fewer witnesses than demanded have cosigned",
  origin_mismatch: "the file says another log than its checkpoint",
  fork: "two signed checkpoints of one size have different roots: the log was split",
  inconsistent: "the larger tree is not shown to extend the smaller one",
  rolled_back: "older than the checkpoint that is known already",
  consistency_missing: "the file has no proof from the known checkpoint to its own",
  // Entries
  bad_entry: "not an entry of a ledger",
  not_included: "the signed tree does not hold this entry at this index",
  chain_break: "the entry does not follow the one before",
  entry_missing: "an entry of the stated range is not there",
  root_mismatch: "the entries do not make up the signed tree",
  // Runs
  run_mismatch: "the entry is not that of the run",
  run_missing: "a run that should be shown is not there",
  run_withheld: "the exporter had no record of the run any more",
  record_not_included: "the rollup does not hold this run's record",
  document_missing: "a document of the run is not there",
  input_hash_mismatch: "not the inputs that the entry names",
  output_hash_mismatch: "not the outcome that the entry names",
  program_hash_mismatch: "not the program that the entry names",
  policy_hash_mismatch: "not the policy that the entry names",
  // Evidence
  evidence_malformed: "not an evidence record",
  evidence_foreign: "evidence of another device",
  evidence_swapped: "evidence of another run, or of another place in this one",
  trust_raised: "the trust was raised; what was recorded is known",
  freshness_extended: "the time of validity was extended; what was recorded is known",
  evidence_id_mismatch: "the record was altered: it does not hash to its id",
  evidence_not_included: "the entry's evidence root does not hold this record",
  evidence_missing: "a record of the run is not there",
  digest_mismatch: "not the payload that the record names",
  payload_missing: "the payload of a record is not there",
  // Statements that carry a signature of their own
  bad_envelope: "not a DSSE envelope",
  payload_not_canonical: "the signed payload is not canonical JSON",
  wrong_device: "the statement speaks for another device than its key's",
  // What the verifier was given
  no_key: "no key was given, so nothing can be proven",
  bad_key: "what was given is no key",
  bad_known: "the known checkpoint is not signed by a given key",
} as const;

export type Code = keyof typeof CODES;

/** Where nothing contradicts, but something that a proof needs is not there. Every other code is a contradiction. */
export const UNPROVEN: ReadonlySet<Code> = new Set<Code>([
  "no_key",
  "bad_key",
  "bad_known",
  "wrong_key",
  "wrong_origin",
  "not_witnessed",
  "consistency_missing",
  "run_withheld",
  "payload_missing",
]);

/** Carries a code to the place that reports it. Never leaves this part. */
export class Refused extends Error {
  readonly code: Code;
  readonly details: Details;

  constructor(code: Code, details: Details = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

export type Details = Readonly<Record<string, string | number | boolean | null>>;

/** @throws Refused, always. */
export function refuse(code: Code, details: Details = {}): never {
  throw new Refused(code, details);
}
