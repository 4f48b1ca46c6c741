/** Bounds of calls, outputs, jobs and the built-in capabilities (capabilities.md 15). */
import { hours, millis, minutes, seconds } from "../units.ts";

export const SAFE_STATE_LIMITS = Object.freeze({
  /** Ms of one write of a safe state (capabilities.md 9). */
  writeMs: millis(100),
  /** Writes that are tried before the output is released (capabilities.md 9). */
  attempts: 3,
  /** Ms to release an output that could not be written: together with the attempts within the whole (capabilities.md 9). */
  releaseMs: millis(150),
  /** Ms of the whole: from the wish to be safe to outputs that are (capabilities.md 9). */
  totalMs: millis(500),
  /** Ms of an output's own safe program, which runs after the plain levels are set (capabilities.md 9). */
  programMs: seconds(1),
});

export const GATE_LIMITS = Object.freeze({
  /** Ms a call waits for admission (capabilities.md 6). */
  waitMs: seconds(5),
  /** Calls that wait for one subject (capabilities.md 6). */
  queuePerSubject: 64,
  /** Calls that wait in all (capabilities.md 6). */
  queueTotal: 1024,
  /** Subjects with a queue of their own; idle ones go first (capabilities.md 6). */
  subjects: 1024,
  /** Token buckets, least recently used and full first out (observability.md 9). */
  buckets: 1024,
  /** Ms that a record of a blocked call lives (evidence.md 3). */
  blockTtlMs: minutes(5),
  /** Violations of a contract that are listed (capabilities.md 2). */
  violations: 16,
  /** Levels of a contract's schema (capabilities.md 2). */
  schemaDepth: 8,
  /** Level changes of an output that are counted; more count as this many (capabilities.md 9). */
  toggles: 6000,
});

export const DERIVED_LIMITS = Object.freeze({
  /** Steps of a derived capability (capabilities.md 14). */
  steps: 8,
  /** Examples of a manifest; each is rendered when it is compiled (capabilities.md 14). */
  examples: 16,
  /** Holes of all templates: how often one argument can be repeated in what is rendered (capabilities.md 14). */
  holes: 64,
  /** Characters of a pointer into an earlier result (capabilities.md 14). */
  pointerCharacters: 256,
  /** Bytes of a manifest's canonical form (capabilities.md 14). */
  manifestBytes: 65_536,
  /** Levels of a manifest: schemas of `schemaDepth` take two each (capabilities.md 14). */
  manifestDepth: 24,
  /** Values of a manifest, counted before anything else looks at it (capabilities.md 14). */
  nodes: 8192,
});

export const TOKEN_LIMITS = Object.freeze({
  /** Ms of a gap that refills; longer ones refill no more: keeps gap × rate far below 2^53 (observability.md 9). */
  elapsedMs: hours(24),
  /** Tokens per second (policy.md 4). */
  rate: 100_000,
  /** Tokens of a full bucket (policy.md 4). */
  burst: 1_000_000_000,
});

export const ASK_LIMITS = Object.freeze({
  /** Ms between two probes whether a missing resource is back (capabilities.md 8). */
  probeMs: seconds(5),
  /** Ms after which a person is asked again (capabilities.md 8). */
  repeatMs: hours(1),
  /** Ms after which an ask has expired (capabilities.md 8). */
  expiryMs: hours(24),
  /** Triggers that wait for one ask; a later one replaces an earlier one of the same id (capabilities.md 8). */
  waiting: 64,
  /** Ms after which a waiting run is too old to be resumed (capabilities.md 8). */
  resumeMaxAgeMs: hours(1),
});

export const JOB_LIMITS = Object.freeze({
  /** Ms an idempotency key answers after its job has ended (capabilities.md 12). */
  keyLifeMs: hours(24),
  /** Ms that failed jobs are kept for a person to look at (capabilities.md 12). */
  failedLifeMs: hours(7 * 24),
  /** Ms of a lease that names no time (capabilities.md 12). */
  leaseMs: seconds(10),
  /** Ms an `at` schedule may be late, because the device was off, and still run (capabilities.md 13). */
  atLateMs: seconds(60),
  /** Ms between two runs of an `every` schedule, at least (capabilities.md 13). */
  everyMs: millis(100),
  /** Ms an `at` schedule that names none waits for a clock to be set (capabilities.md 13). */
  atDelayMs: seconds(5),
});

export const STORAGE_LIMITS = Object.freeze({
  /** Bytes of a key of the key-value store (capabilities.md 11). */
  keyBytes: 256,
  /** Bytes of a value of the key-value store (capabilities.md 11). */
  valueBytes: 65_536,
  /** Keys of one space (capabilities.md 11). */
  keys: 10_000,
  /** Bytes of one space (capabilities.md 11). */
  spaceBytes: 4 * 1024 * 1024,
  /** Bytes of a stored row, frame included, before it is parsed (capabilities.md 11). */
  rowBytes: 256 * 1024,
  /** Bytes of a path in a program's workspace (capabilities.md 11). */
  pathBytes: 512,
  /** Bytes of one part of a path: what Linux file systems take (capabilities.md 11). */
  segmentBytes: 255,
  /** Parts of a path (capabilities.md 11). */
  segments: 16,
});

export const BUS_LIMITS = Object.freeze({
  /** Bytes of a payload that a program publishes (capabilities.md 11). */
  publishBytes: 65_536,
  /** Bytes of one SPI transfer: the kernel's default buffer, longer ones fail (capabilities.md 11). */
  spiBytes: 4096,
  /** Bytes of one serial read or write: what a port keeps unread (capabilities.md 11). */
  serialBytes: 4096,
  /** Ms a serial read may wait (capabilities.md 11). */
  serialWaitMs: seconds(10),
  /** Ms of a GPIO call (capabilities.md 11). */
  gpioMs: millis(100),
  /** Ms of an I2C call (capabilities.md 11). */
  i2cMs: millis(250),
});
