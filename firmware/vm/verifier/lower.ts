/** Turns an analysed program into the form that runs (vm.md 4): declarations vanish, names become numbers. */
import type { Json, JsonObject } from "../../core/json.ts";
import { INSTRUCTIONS, isDeclaration } from "../instruction-set.ts";
import { inputPath } from "../steps/evaluate.ts";
import { type LoweredCall, operandsIn, type StepSource } from "../steps/step-builder.ts";
import { makeStep } from "../steps/steps.ts";
import { ShapeTable } from "../values/objects.ts";
import {
  arrayBytes,
  MAX_KEY_BYTES,
  memberBytes,
  OBJECT_BYTES,
  up8,
  utf8Length,
  type Value,
} from "../values/values.ts";
import { fuse } from "./fuse.ts";
import type { InstructionOperands } from "./instruction-operands.ts";
import {
  type InputPath,
  type LoweredFrame,
  type LoweredOperand,
  type LoweredProgram,
  type LoweredRegion,
  OP,
  OP_BITS,
  STRIDE,
  type Step,
} from "./lowered-program.ts";
import { type Operand, registerName } from "./operands.ts";
import { type Analysis, type FrameDraft, frameKey, jumpTarget } from "./verify-names.ts";
import { type Unit, unitsOf } from "./verify-shape.ts";
import type { StackAnalysis } from "./verify-stack.ts";

const INLINE: Readonly<Record<string, number>> = { ...OP, TRY: OP.NOP, ENDTRY: OP.NOP, LOAD: OP.PUSH_REG };

export const frameBytes = (registers: number, maxStack: number): number =>
  up8(64 + 16 * (registers + maxStack));

class Lowering {
  readonly #analysis: Analysis;
  readonly #stacks: StackAnalysis;
  readonly #words: number[] = [];
  readonly #constants: Value[] = [];
  readonly #steps: Step[] = [];
  readonly #sources: StepSource[] = [];
  readonly #inputs: InputPath[] = [];
  readonly #frames = new Map<string, LoweredFrame>();
  /** By instruction number: its index in its unit. */
  readonly #indexes: number[] = [];
  readonly #regionOf: number[] = [];
  readonly #regions: LoweredRegion[] = [];
  /** Position of each instruction, per unit; of a declaration, where control goes on. */
  readonly #positions = new Map<Unit, number[]>();
  /** Innermost region per unit and index. */
  readonly #innermost = new Map<Unit, number[]>();

  constructor(analysis: Analysis, stacks: StackAnalysis) {
    this.#analysis = analysis;
    this.#stacks = stacks;
  }

  run(): LoweredProgram {
    for (const unit of unitsOf(this.#analysis.root)) this.#place(unit);
    for (const unit of unitsOf(this.#analysis.root)) this.#addRegions(unit);
    for (const unit of unitsOf(this.#analysis.root)) this.#emitUnit(unit);
    return {
      code: fuse(new Int32Array(this.#words)),
      constants: this.#constants,
      steps: this.#steps,
      sources: this.#sources,
      shapes: new ShapeTable(),
      executors: { compiled: null, tiered: null },
      inputs: this.#inputs,
      frames: [...this.#frames.values()],
      regionOf: this.#regionOf,
      regions: this.#regions,
      placeOf: placesOf([...this.#frames.values()], this.#indexes),
    };
  }

  /** Main code (or a body) first, then each function; every part ends with a free operation. */
  #parts(unit: Unit): { readonly fn: string | null; readonly indexes: readonly number[] }[] {
    const main: number[] = [];
    for (let i = 0; i < unit.list.length; i++) if (unit.functionOf[i] == null) main.push(i);
    const functions = [...unit.functions].map(([fn, { start, end }]) => {
      const indexes: number[] = [];
      for (let i = start; i <= end; i++) indexes.push(i);
      return { fn, indexes };
    });
    return [{ fn: null, indexes: main }, ...functions];
  }

  #next = 0;

  #place(unit: Unit): void {
    const positions = new Array<number>(unit.list.length + 1).fill(0);
    this.#positions.set(unit, positions);
    for (const { fn, indexes } of this.#parts(unit)) {
      const entry = this.#next;
      for (const index of indexes) {
        positions[index] = this.#next;
        if (!isDeclaration(String(unit.list[index]?.op))) this.#next += STRIDE;
      }
      if (fn === null) positions[unit.list.length] = this.#next;
      this.#next += STRIDE;
      this.#addFrame(this.#analysis.frame(unit, fn), entry);
    }
  }

  #addFrame({ unit, fn, registers }: FrameDraft, entry: number): void {
    const key = frameKey(unit.path, fn);
    const maxStack = this.#stacks.maxStack.get(key) ?? 0;
    const bytes = frameBytes(registers.size, maxStack);
    this.#frames.set(key, {
      unit: unit.path,
      fn,
      entry,
      registers: registers.size,
      registerNames: [...registers.keys()],
      maxStack,
      bytes,
    });
  }

  #addRegions(unit: Unit): void {
    const innermost = new Array<number>(unit.list.length + 1).fill(-1);
    this.#innermost.set(unit, innermost);
    const depths = this.#stacks.depths.get(unit);
    const regions = this.#analysis.regions.filter((region) => region.unit === unit);
    // Outer regions first, so that inner ones overwrite them.
    for (const { start, end, handler } of regions.sort((a, b) => a.start - b.start)) {
      const depth = depths?.[start];
      if (depth === undefined) continue;
      innermost.fill(this.#regions.length, start + 1, end);
      this.#regions.push({ handler: this.#position(unit, handler), depth });
    }
  }

  #position(unit: Unit, index: number): number {
    return this.#positions.get(unit)?.[index] ?? 0;
  }

  #emitUnit(unit: Unit): void {
    for (const { fn, indexes } of this.#parts(unit)) {
      for (const index of indexes) {
        const instr = unit.list[index] ?? {};
        if (!isDeclaration(String(instr.op))) this.#emitInstruction(unit, index, instr);
      }
      this.#regionOf.push(-1);
      this.#emit([fn === null ? OP.END : OP.ENDFUNC, 0, 0, 0], indexes.at(-1) ?? 0);
    }
  }

  #emit(words: readonly [number, number, number, number], index: number): void {
    this.#words.push(...words);
    this.#indexes.push(index);
  }

  #emitInstruction(unit: Unit, index: number, instr: JsonObject): void {
    const fn = unit.functionOf[index] ?? null;
    const frame = this.#analysis.frame(unit, fn);
    const name = String(instr.op);
    const operands = this.#analysis.operands.get(instr);
    if (operands === undefined) throw new Error("An instruction was lowered that was not verified.");
    const [op, a, input] = this.#encode(unit, index, instr, frame, operands);
    const takesEvidence = (name === "CALL" || name === "CAP") && typeof instr.evidence === "string";
    const b = takesEvidence ? slotOf(frame, instr.evidence) + 1 : input;
    this.#regionOf.push(this.#innermost.get(unit)?.[index] ?? -1);
    this.#emit([op | ((INSTRUCTIONS.get(name)?.pops ?? 0) << OP_BITS), a, b, 0], index);
  }

  #encode(
    unit: Unit,
    index: number,
    instr: JsonObject,
    frame: FrameDraft,
    operands: InstructionOperands,
  ): readonly [op: number, a: number, input: number] {
    const name = String(instr.op);
    const inline = Object.hasOwn(INLINE, name) ? INLINE[name] : undefined;
    if (name === "JUMP" || name === "JZ" || name === "JNZ") {
      return [inline ?? OP.JUMP, this.#position(unit, Number(jumpTarget(unit, index, instr))), 0];
    }
    if (name === "STORE" || name === "LOAD") return [inline ?? OP.STORE, slotOf(frame, instr.reg), 0];
    if (name === "PUSH") {
      const operand = operands.fields.get("value") ?? operands.fields.get("ref");
      if (operand?.kind === "register") return [OP.PUSH_REG, slotOf(frame, operand.name), 0];
      if (operand?.kind === "literal") return [OP.PUSH_CONST, this.#constants.push(operand.value) - 1, 0];
    }
    if (inline !== undefined) return [inline, 0, 0];
    const source = this.#source(unit, index, instr, frame, operands);
    this.#sources.push(source);
    const step = this.#steps.push(makeStep(source)) - 1;
    const pushed = name === "PUSH" ? (source.operand("value") ?? source.operand("ref")) : null;
    return pushed?.kind === "input" ? [OP.PUSH_INPUT, step, pushed.input] : [OP.STEP, step, 0];
  }

  #source(
    unit: Unit,
    index: number,
    instr: JsonObject,
    frame: FrameDraft,
    operands: InstructionOperands,
  ): StepSource {
    const fields = new Map([...operands.fields].map(([key, o]) => [key, this.#operand(o, frame)]));
    const calleeKey =
      instr.op === "CALLF" || typeof instr.func === "string"
        ? frameKey(this.#analysis.root.path, String(instr.func ?? instr.name))
        : frameKey(unit.bodies.get(index)?.path ?? "", null);
    const calleeFrame = this.#analysis.frames.get(calleeKey);
    const bindings = operands.bindings.map(({ to, value }) => ({
      slot: calleeFrame?.registers.get(to) ?? 0,
      value: this.#operand(value, frame),
    }));
    const { op } = instr;
    return {
      instr,
      operand: operandsIn(fields),
      bindings,
      callee: op === "CALLF" || op === "SPAWN" ? (this.#frames.get(calleeKey) ?? null) : null,
      as: op === "SPAWN" ? slotOf(frame, instr.as) : 0,
      call: op === "CALL" || op === "CAP" ? this.#call(instr, frame, operands) : null,
    };
  }

  #call(instr: JsonObject, frame: FrameDraft, { call }: InstructionOperands): LoweredCall {
    const name = String(instr.op === "CALL" ? instr.fn : instr.name);
    const signature = this.#analysis.view.resolve(name);
    if (signature === null || call === null) throw new Error(`The capability ${name} is missing.`);
    return {
      signature,
      keys: call.kind === "named" ? call.keys : null,
      items: call.items.map((item) => this.#operand(item, frame)),
    };
  }

  #operand(operand: Operand, frame: FrameDraft): LoweredOperand {
    switch (operand.kind) {
      case "register":
        return { kind: "slot", slot: slotOf(frame, operand.name) };
      case "input":
        return { kind: "input", input: this.#inputs.push(inputPath(operand.of, operand.path)) - 1 };
      case "array":
        return {
          kind: "array",
          items: operand.items.map((item) => this.#operand(item, frame)),
          bytes: arrayBytes(operand.items.length),
        };
      case "object":
        return {
          kind: "object",
          keys: operand.keys,
          items: operand.items.map((item) => this.#operand(item, frame)),
          bytes: operand.keys.reduce((sum, key) => sum + memberBytes(key), OBJECT_BYTES),
          hasLongKey: operand.keys.some((key) => utf8Length(key) > MAX_KEY_BYTES),
        };
      default:
        return operand;
    }
  }
}

/** Frames lie one behind the other in the code, in the order of their entries. */
function placesOf(frames: readonly LoweredFrame[], indexes: readonly number[]): LoweredProgram["placeOf"] {
  return (pc) => {
    const index = indexes[pc / STRIDE];
    if (index === undefined) return null;
    const frame = frames.findLast(({ entry }) => entry <= pc);
    return frame === undefined ? null : { unit: frame.unit, index, fn: frame.fn };
  };
}

const slotOf = (frame: FrameDraft, written: Json | undefined): number =>
  frame.registers.get(registerName(String(written))) ?? 0;

/** Expects an analysis without problems. */
export const lower = (analysis: Analysis, stacks: StackAnalysis): LoweredProgram =>
  new Lowering(analysis, stacks).run();
