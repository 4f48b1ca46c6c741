/** Bounds of what the verifier reads. Everything is sized before it is parsed. */
export const LIMITS = Object.freeze({
  /** Bytes of a whole file. It is read as a stream, so this bounds time, not memory. */
  fileBytes: 4 * 1024 * 1024 * 1024,
  /** Bytes of one line: a run's inputs with its journal, or a payload of 1 MiB as base64. */
  lineBytes: 64 * 1024 * 1024,
  /** Lines of a bundle. */
  lines: 16_000_000,
  /** Levels of a line: a stored value in its frame. */
  depth: 80,
  /** Bytes of a signed note, its signatures included (ledger.md 5). */
  noteBytes: 65_536,
  /** Signature lines of a note (ledger.md 5). */
  noteSignatures: 32,
  /** Hashes of one proof: enough for any tree of fewer than 2^63 leaves (ledger.md 4). */
  proofHashes: 63,
  /** Programs and policies that are remembered, so that runs share them. */
  documents: 65_536,
  /** Bytes of the payload of one signed statement (trust.md 5). */
  payloadBytes: 65_536,
  /** Signatures of one statement (trust.md 5). */
  signatures: 16,
  /** Keys that may be given. */
  keys: 4096,
  /** Seconds a cosignature may be ahead of the verifier's clock (ledger.md 6). */
  cosignatureSkewSec: 300,
  /** Findings that a report lists; what is beyond is counted. */
  findings: 1000,
  /** Findings after which a file is read no further: it is nobody's export. */
  patience: 10_000,
  /** Proven items that a report lists; what is beyond is counted. */
  proven: 100_000,
  /** Findings until which altered records are looked at closely, to say what was altered. */
  diagnoses: 32,
  /** Bytes of a record that is looked at closely: an honest one has a few thousand. */
  diagnosedBytes: 16_384,
});
