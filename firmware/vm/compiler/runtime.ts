/**
 * What compiled code calls. Every function does its whole work and charges for it, or gives `undefined` (false) and has
 * changed nothing: then the interpreter does the instruction again and says what is wrong. So there is one place only
 * that knows the failures of the machine.
 */
import type { Json } from "../../core/json.ts";
import { roundHalfEven } from "../../core/round.ts";
import type { Run } from "../machine/run.ts";
import { type SavedFrame, Task } from "../machine/task.ts";
import { Trap } from "../machine/trap.ts";
import { Shape, VmObject } from "../values/objects.ts";
import { noteTextSize, textSize } from "../values/text-size.ts";
import {
  BYTES_KEY,
  equalValues,
  MAX_KEY_BYTES,
  MAX_MEMBERS,
  memberBytes,
  scalarBytes,
  sizeOf,
  truthy,
  typeName,
  utf8Length,
  type Value,
} from "../values/values.ts";
import type { LoweredFrame, Step } from "../verifier/lowered-program.ts";
import { isWord } from "./kinds.ts";

/** Where compiled code and its callers meet; one for all, as nothing of it outlives a call. */
export const shared = {
  /** Bulk steps that the last helper charged (vm.md 7). */
  bulk: 0,
  /** Steps that are left before the next stop, between a caller and the function it calls. */
  fuel: 0,
  /** Frames of compiled callers that were left, innermost first. */
  left: [] as SavedFrame[],
};

/** Charges bytes of the memory model. */
export function charge(run: Run, bytes: number): boolean {
  const memory = run.memory + bytes;
  if (memory > run.memoryLimit) return false;
  run.memory = memory;
  if (memory > run.memoryPeak) run.memoryPeak = memory;
  return true;
}

/** Charges bulk work; `fuel` is what is left after the instruction's own step. */
function work(run: Run, fuel: number, bytes: number): boolean {
  shared.bulk = 0;
  if (bytes < 256) return true;
  const needed = Math.floor(bytes / 256);
  const steps = run.stopAt - fuel;
  if (steps + needed > run.limits.cpuSteps) return false;
  run.steps = steps;
  run.work(bytes);
  shared.bulk = needed;
  return true;
}

/** A text or bytes of that size, made with that much work. */
function make(run: Run, fuel: number, workBytes: number, size: number): boolean {
  if (size > run.limits.valueBytes) return false;
  const memory = run.memory + scalarBytes(size);
  if (memory > run.memoryLimit || !work(run, fuel, workBytes)) return false;
  run.memory = memory;
  if (memory > run.memoryPeak) run.memoryPeak = memory;
  return true;
}

/** Remembers, for one place in the code, where a key lay in the last shape seen there. */
export interface Site {
  shape: Shape | null;
  slot: number;
  /** For a key that is added: the shape with it. */
  next: Shape | null;
}

const NOWHERE = new Shape([], null);
export const newSite = (): Site => ({ shape: NOWHERE, slot: 0, next: null });

function searchMember(object: VmObject, key: string, site: Site): Value {
  const { shape } = object;
  const slot = shape.index.get(key);
  if (slot === undefined) return null;
  if (shape.table !== null) {
    site.shape = shape;
    site.slot = slot;
  }
  return object.slots[slot] as Value;
}

export function member(container: Value, key: string, site: Site): Value | undefined {
  if (!(container instanceof VmObject)) return undefined;
  return container.shape === site.shape ? container.slots[site.slot] : searchMember(container, key, site);
}

/** Of an array or bytes; a position that is none has no element. */
export function element(container: Value, index: number): Value | undefined {
  return Array.isArray(container) || container instanceof Uint8Array ? container[index] : undefined;
}

export function get(container: Value, key: Value, site: Site): Value | undefined {
  if (typeof key === "number") return element(container, key);
  return typeof key === "string" ? member(container, key, site) : undefined;
}

function addMember(run: Run, object: VmObject, key: string, value: Value, site: Site): boolean {
  const { shape } = object;
  const slot = shape.index.get(key);
  if (slot !== undefined) {
    object.slots[slot] = value;
    if (shape.table !== null) {
      site.shape = shape;
      site.slot = slot;
      site.next = null;
    }
    return true;
  }
  if (key === BYTES_KEY || utf8Length(key) > MAX_KEY_BYTES || object.size >= MAX_MEMBERS) return false;
  if (!charge(run, memberBytes(key))) return false;
  object.set(key, value);
  if (shape.table !== null && object.shape.table !== null) {
    site.shape = shape;
    site.next = object.shape;
    site.slot = memberBytes(key);
  }
  return true;
}

/** `site.slot` is the place of a known key, or the price of an added one. */
export function setMember(run: Run, container: Value, key: string, value: Value, site: Site): boolean {
  if (!(container instanceof VmObject)) return false;
  if (container.shape !== site.shape) return addMember(run, container, key, value, site);
  if (site.next === null) {
    container.slots[site.slot] = value;
    return true;
  }
  if (!charge(run, site.slot)) return false;
  container.shape = site.next;
  container.slots.push(value);
  return true;
}

export function setElement(container: Value, index: number, value: Value): boolean {
  if (!Array.isArray(container) || !Number.isInteger(index) || index < 0 || index >= container.length) {
    return false;
  }
  container[index] = value;
  return true;
}

export function set(run: Run, container: Value, key: Value, value: Value, site: Site): boolean {
  if (typeof key === "number") return setElement(container, key, value);
  return typeof key === "string" && setMember(run, container, key, value, site);
}

export function append(run: Run, container: Value, value: Value): boolean {
  if (!Array.isArray(container) || container.length >= MAX_MEMBERS || !charge(run, 16)) return false;
  container.push(value);
  return true;
}

export function length(run: Run, fuel: number, value: Value): number | undefined {
  shared.bulk = 0;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof VmObject) return value.size;
  if (typeof value !== "string") return undefined;
  const size = textSize(value);
  if (!work(run, fuel, size)) return undefined;
  if (size === value.length) return size;
  let points = 0;
  for (const _ of value) points++;
  return points;
}

export function concat(run: Run, fuel: number, a: Value, b: Value): Value | undefined {
  if (typeof a === "string" && typeof b === "string") {
    const size = textSize(a) + textSize(b);
    if (!make(run, fuel, size, size)) return undefined;
    const joined = a + b;
    noteTextSize(joined, size);
    return joined;
  }
  if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return undefined;
  const size = a.length + b.length;
  if (!make(run, fuel, size, size)) return undefined;
  const joined = new Uint8Array(size);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

const bytesCompared = (a: string | Uint8Array, b: string | Uint8Array): number =>
  Math.min(a.length, b.length) > 85 ? Math.min(sizeOf(a), sizeOf(b)) : 0;

/** EQ for any two values. */
export function equal(run: Run, fuel: number, a: Value, b: Value): boolean | undefined {
  shared.bulk = 0;
  if (typeof a === "string" && typeof b === "string") {
    return work(run, fuel, bytesCompared(a, b)) ? a === b : undefined;
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return work(run, fuel, bytesCompared(a, b)) ? equalValues(a, b) : undefined;
  }
  return equalValues(a, b);
}

/** The sign of the order of two numbers or two texts. */
export function order(run: Run, fuel: number, a: Value, b: Value): number | undefined {
  shared.bulk = 0;
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a !== "string" || typeof b !== "string") return undefined;
  if (!work(run, fuel, bytesCompared(a, b))) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** MOD of safe integers (vm.md 4). */
export function modulo(a: Value, b: Value): number | undefined {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b) || b === 0) return undefined;
  const rest = (a as number) % (b as number);
  return (rest !== 0 && rest < 0 !== (b as number) < 0 ? rest + (b as number) : rest) + 0;
}

/** IDIV of safe integers: exact, because a − a % b is a multiple of b no farther from zero than a. */
export function quotient(a: Value, b: Value): number | undefined {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b) || b === 0) return undefined;
  const rest = (a as number) % (b as number);
  const truncated = ((a as number) - rest) / (b as number);
  return (rest !== 0 && rest < 0 !== (b as number) < 0 ? truncated - 1 : truncated) + 0;
}

export const isShift = (value: Value): boolean =>
  typeof value === "number" && value >= 0 && value <= 31 && Number.isInteger(value);

/** The JSON of an input as a value, if it is no container: those are copied and charged at each use. */
export const isContainer = (input: Json): boolean => typeof input === "object" && input !== null;

/** A step of the interpreter over values in place of a task: its registers first, then its stack. */
export interface PureStep {
  readonly step: Step;
  readonly registers: number;
  readonly pushes: number;
}

const scratchFrame: LoweredFrame = {
  unit: "",
  fn: null,
  entry: 0,
  registers: 0,
  registerNames: [],
  maxStack: 8,
  bytes: 0,
};
const scratch = new Task(-1, null, scratchFrame);

/** Runs the step; charges of one that fails are taken back. Gives its result, or null if it has none. */
export function pure(
  run: Run,
  fuel: number,
  { step, registers, pushes }: PureStep,
  count: number,
  a: Value,
  b: Value,
  c: Value,
  d: Value,
): Value | undefined {
  const { memory } = scratch;
  memory[0] = a;
  memory[1] = b;
  memory[2] = c;
  memory[3] = d;
  scratch.floor = registers;
  scratch.sp = count;
  const before = run.memory;
  const peak = run.memoryPeak;
  const { turn, turnEnd } = run;
  const steps = run.stopAt - fuel;
  run.steps = steps;
  try {
    step(run, scratch);
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
    run.memory = before;
    run.memoryPeak = peak;
    run.turn = turn;
    run.turnEnd = turnEnd;
    return undefined;
  }
  // Such steps take long beside others, so the next look at the clock comes nearer; the count of steps stays.
  run.stopAt -= run.patience;
  shared.bulk = run.steps - steps + run.patience;
  const result = pushes === 0 ? null : (memory[scratch.sp - 1] as Value);
  memory[0] = memory[1] = memory[2] = memory[3] = null;
  return result;
}

/** Makes room for a frame, from the bottom up, so that the array stays dense. */
export function grow(memory: Value[], size: number): void {
  while (memory.length < size) memory.push(null);
}

/** Puts the frames of compiled callers on the task's own list, outermost first. */
export function restore(task: Task): void {
  const { left } = shared;
  while (left.length > 0) task.saved.push(left.pop() as SavedFrame);
}

export { isWord, roundHalfEven, truthy, typeName, VmObject };
