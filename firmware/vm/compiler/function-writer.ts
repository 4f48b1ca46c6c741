/**
 * Writes a region as one JavaScript function. Loops and merges become labelled statements by the tree of dominators
 * (N. Ramsey: Beyond Relooper, ICFP 2022), so that the engine sees ordinary control flow. The function keeps registers
 * in variables; wherever it leaves, all state goes back to the task, exactly as the interpreter would have it.
 */
import type { LoweredFrame } from "../verifier/lowered-program.ts";
import { type BlockState, BlockWriter, type FrameFacts, type Tables, Usage } from "./block-writer.ts";
import { emitBlock, type Surroundings } from "./emit.ts";
import { truth } from "./emit-number.ts";
import type { Flow } from "./flow.ts";
import { BOOLEAN } from "./kinds.ts";
import type { Region } from "./region.ts";

export interface FunctionParts {
  readonly region: Region;
  readonly flow: Flow;
  readonly facts: FrameFacts;
  readonly around: Surroundings;
  readonly tables: Tables;
}

class BodyWriter {
  readonly #parts: FunctionParts;
  readonly #lines: string[] = [];
  readonly usage = new Usage();

  constructor(parts: FunctionParts) {
    this.#parts = parts;
  }

  write(): string {
    this.#tree(this.#parts.region.entry);
    return this.#lines.join("\n");
  }

  #tree(start: number): void {
    const { region } = this.#parts;
    const isLoop = region.loops.has(start);
    if (isLoop) this.#lines.push(`L${start}: for (;;) {`);
    const merges = (region.children.get(start) ?? []).filter((child) => region.merges.has(child));
    this.#within(start, merges);
    if (isLoop) this.#lines.push("}");
  }

  /** The block, then the merges below it; a jump to a merge ends the statement that bears its name. */
  #within(start: number, merges: readonly number[]): void {
    for (const merge of [...merges].reverse()) this.#lines.push(`B${merge}: {`);
    this.#block(start);
    for (const merge of merges) {
      this.#lines.push("}");
      this.#tree(merge);
    }
  }

  #block(start: number): void {
    const { region, flow, facts, around, tables } = this.#parts;
    const block = region.blocks.get(start);
    const state = flow.states.get(start);
    if (block === undefined || state === undefined) return;
    const writer = new BlockWriter(state, facts, tables, this.usage);
    const end = emitBlock(writer, block, around, flow.usage.bulk);
    if (end.kind === "branch") {
      const [next, target] = [block.end, block.successors[1] ?? block.end];
      // Read now: the spill may move what it is made of.
      const condition = writer.compute(truth(end.value), BOOLEAN).text;
      writer.line(writer.spill(writer.stack));
      writer.line(`if (${end.onTrue ? condition : `!${condition}`}) {`);
      this.#lines.push(...writer.lines);
      this.#jump(start, target, writer);
      this.#lines.push("}");
      this.#jump(start, next, writer);
      return;
    }
    if (end.kind === "jump") writer.line(writer.spill(writer.stack));
    this.#lines.push(...writer.lines);
    if (end.kind === "jump") this.#jump(start, block.successors[0] ?? block.end, writer);
  }

  #jump(from: number, to: number, writer: BlockWriter): void {
    const { region } = this.#parts;
    if (!region.hasEdge(from, to)) {
      const stack = writer.stack.map((value, i) => ({ ...value, text: `x${i}` }));
      this.#lines.push(writer.exitAt(to, stack, 0));
    } else if ((region.order.get(to) ?? 0) <= (region.order.get(from) ?? 0))
      this.#lines.push(`continue L${to};`);
    else if (region.merges.has(to)) this.#lines.push(`break B${to};`);
    else this.#tree(to);
  }
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** Registers that the code reads or stores, in order. */
const used = ({ registers }: Usage): readonly number[] => [...registers].sort((a, b) => a - b);

function stackVariables(count: number): string {
  return count === 0
    ? ""
    : `let ${range(count)
        .map((i) => `x${i} = null`)
        .join(", ")};`;
}

const inputVariables = (usage: Usage): string =>
  [...usage.inputs].map((input) => `const i${input} = run.inputs[${input}];`).join("");

const stackBack = (count: number): string =>
  range(count)
    .map((i) => `if (sp > ${i}) m[floor + ${i}] = x${i};`)
    .join("");

/**
 * A function entered from the interpreter: state lies in the task, and goes back there.
 * @returns the text of an expression `(run, task) => boolean`; false if a guard refused, with nothing changed.
 */
export function entryFunction(parts: FunctionParts, state: BlockState, guards: readonly string[]): string {
  const body = new BodyWriter(parts);
  const code = body.write();
  const { usage } = body;
  const slots = used(usage);
  const frame = parts.around.frame;
  const loads = slots.map((slot) => `let r${slot} = m[fp + ${slot}];`).join("");
  const stack = range(state.stack.length)
    .map((i) => `x${i} = m[floor + ${i}];`)
    .join("");
  const guard = guards.length === 0 ? "" : `if (!(${guards.join(" && ")})) return false;`;
  const back = slots.filter((slot) => usage.stored.has(slot)).map((slot) => `m[fp + ${slot}] = r${slot};`);
  return `(run, task) => {
const m = task.memory; const fp = task.fp; const floor = task.floor; const depth = task.saved.length + 1;
${loads}${stackVariables(Math.max(usage.stack, state.stack.length))}${inputVariables(usage)}${stack}${guard}
let fuel = run.stopAt - run.steps; let pc = 0; let sp = 0; let deep = false;
E: {
${code}
}
${back.join("")}${stackBack(usage.stack)}
if (deep) {
R.shared.left.push({ pc, sp: floor + sp, fp, floor, frame: ${parts.tables.part(frame)} });
R.restore(task);
} else {
run.steps = run.stopAt - fuel; task.pc = pc; task.sp = floor + sp;
}
return true;
}`;
}

/**
 * A function called by compiled code: registers come as arguments, the result goes back as a value.
 * @returns the text of an expression; it gives `undefined` after it has put its state into the task.
 */
export function directFunction(parts: FunctionParts): string {
  const body = new BodyWriter(parts);
  const code = body.write();
  const { usage } = body;
  const { frame } = parts.around;
  const arguments_ = range(frame.registers)
    .map((slot) => `, r${slot}`)
    .join("");
  const back = range(frame.registers).map((slot) => `m[fp + ${slot}] = r${slot};`);
  return `(run, task, fp, depth${arguments_}) => {
${stackVariables(usage.stack)}${inputVariables(usage)}
let fuel = R.shared.fuel; let pc = 0; let sp = 0; let deep = false;
E: {
${code}
}
const m = task.memory; const floor = fp + ${frame.registers};
R.grow(m, floor + ${frame.maxStack});
${back.join("")}${stackBack(usage.stack)}
${leaveDirect(parts, frame)}
return undefined;
}`;
}

function leaveDirect({ tables }: FunctionParts, frame: LoweredFrame): string {
  const part = tables.part(frame);
  return `if (deep) R.shared.left.push({ pc, sp: floor + sp, fp, floor, frame: ${part} });
else {
run.steps = run.stopAt - fuel; task.frame = ${part};
task.fp = fp; task.floor = floor; task.pc = pc; task.sp = floor + sp;
}`;
}
