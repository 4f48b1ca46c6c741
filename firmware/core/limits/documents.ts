/** What is read from files, signed documents and peers before anything in it is believed. Bytes, levels, counts. */
import { hours } from "../units.ts";

export const DSSE_LIMITS = Object.freeze({
  /** Bytes of one payload: bounds what is hashed before a signature is known to be good (trust.md 5). */
  payloadBytes: 65_536,
  /** Signatures of one envelope: each costs a verification (trust.md 5). */
  signatures: 16,
  /** Levels of a verified payload: no document of the specifications is deeper (trust.md 5). */
  payloadDepth: 32,
  /** Parsed public keys that are kept; a full cache starts anew (trust.md 2). */
  keyCache: 1024,
});

export const JSON_LIMITS = Object.freeze({
  /** Levels of any value that is written canonically: far below the depth at which a recursion ends (vm.md 3). */
  canonicalDepth: 512,
  /** Levels of a value from this device's own store: far above what any schema lets in (vm.md 12). */
  storedDepth: 64,
});

export const FILE_LIMITS = Object.freeze({
  /** Bytes of imud.yaml: written by hand (capabilities.md 15). */
  configBytes: 65_536,
  /** Bytes of a file a person wrote for a new device or release: policy, program, list of keys (policy.md 2, vm.md 2). */
  authoredBytes: 262_144,
  /** Levels of such a file (policy.md 2). */
  authoredDepth: 16,
  /** Bytes of one PEM key or key record: an Ed25519 key has a few hundred (trust.md 10). */
  keyBytes: 4096,
  /** Bytes of a certificate chain or its key handed to imuctl, PEM (trust.md 10). */
  certificateBytes: 65_536,
  /** Bytes of the broker's user name or password file (trust.md 10). */
  secretBytes: 4096,
  /** Bytes of the authority file with all keys of a fleet (trust.md 4). */
  authorityBytes: 1_048_576,
  /** Keys of the authority file (trust.md 4). */
  authorityKeys: 1024,
  /** Bytes of the fleet's roster: a thousand devices with their keys (sync.md 3). */
  rosterBytes: 4 * 1024 * 1024,
  /** Levels of the roster and of the authority file: their schemas are flat (trust.md 4). */
  listDepth: 8,
  /** Older rosters that are read: of older ones no batch is unknown by now (sync.md 3). */
  olderRosters: 64,
  /** Bytes of a run that was exported; the largest tier's run with its blobs fits many times (ledger.md 14). */
  exportBytes: 67_108_864,
  /** Levels of an exported run: a value of the store in its frame (ledger.md 14). */
  exportDepth: 72,
});

export const POLICY_LIMITS = Object.freeze({
  /** Bytes of a policy document, before parsing (policy.md 2). */
  documentBytes: 262_144,
  /** Levels of a policy document (policy.md 2). */
  documentDepth: 16,
  /** Claims a policy may allow per run: the highest tier's (policy.md 4, vm.md 8). */
  claims: 1000,
  /** Grants that are kept: the oldest goes first (capabilities.md 10). */
  grants: 1024,
  /** Questions whose rule is remembered: what programs ask is a few, and hostile topics must not fill the memory. */
  rememberedQuestions: 1024,
  /** Ms a permission lasts that names no end (capabilities.md 10). */
  grantMs: hours(1),
});

export const TOPIC_LIMITS = Object.freeze({
  /** Bytes of any MQTT topic or filter that is matched: MQTT allows more than this product ever names. */
  topicBytes: 1024,
  /** Bytes of a topic that a program publishes to (capabilities.md 11). */
  publishBytes: 256,
  /** Levels a program may append to its output's topic (capabilities.md 11). */
  subtopicSegments: 4,
});
