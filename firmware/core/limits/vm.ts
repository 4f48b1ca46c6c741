/** Bounds of a program and of the machine that runs it; the quotas of the trust tiers are a table of `vm/limits.ts`. */
import { millis } from "../units.ts";

export const PROGRAM_LIMITS = Object.freeze({
  /** Bytes of a program document, before parsing (vm.md 2). */
  documentBytes: 256 * 1024,
  /** Levels of a program document (vm.md 2). */
  documentDepth: 24,
  /** Instructions, bodies of SPAWN included: the verifier's work is linear in them (vm.md 2). */
  instructions: 4096,
  /** Levels of nested bodies (vm.md 6). */
  bodyDepth: 4,
  /** Levels of an operand (vm.md 4). */
  operandDepth: 16,
  /** Names of registers: each has a fixed slot (vm.md 6). */
  registers: 128,
  /** Values on the stack of one task (vm.md 6). */
  stack: 256,
  /** Fields of a PACK or UNPACK format (vm.md 4). */
  packFields: 64,
  /** Problems a refusal lists: enough to repair, small enough to send (vm.md 6). */
  issues: 64,
});

export const VALUE_LIMITS = Object.freeze({
  /** Members of one list or object (vm.md 3). */
  members: 4096,
  /** UTF-8 bytes of one key (vm.md 3). */
  keyBytes: 256,
  /** Levels below the root (vm.md 3). */
  depth: 32,
});

export const SCHEDULER_LIMITS = Object.freeze({
  /** Steps of one task before the next one has its turn (vm.md 9). */
  turnSteps: 1000,
  /** Steps of one slice, after which timers and I/O have their turn (vm.md 9). */
  sliceSteps: 2000,
  /** Ms of one slice: what a program may delay everything else (vm.md 9). */
  sliceMs: millis(2),
  /** Ms that the calls of a stopped run have to come to rest (vm.md 9). */
  stopWaitMs: millis(250),
  /** Runs at the same time (vm.md 9). */
  runs: 16,
  /** Runs that wait; the next one is refused (vm.md 9). */
  waiting: 256,
});
