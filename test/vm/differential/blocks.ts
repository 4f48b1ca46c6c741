/** Blocks: arms, loops, regions with handlers and bodies of tasks. A gene opens one, a later gene closes it. */
import { endBody, writeEnding } from "./endings.ts";
import { Frame, LabelNames } from "./frame.ts";
import { type FunctionHead, type Site, WRITES } from "./genes.ts";
import { Choices, type Gene } from "./genome.ts";
import { KERNELS, prepare } from "./kernels.ts";
import { type Kind, REGISTERS } from "./values.ts";

interface Block {
  readonly frame: Frame;
  /** Writes what stands behind the block; may open the next part of it. */
  readonly close: (choices: Choices) => Block | null;
}

const RESULTS: readonly Kind[] = ["number", "string", "word", "object", "boolean"];
const MOST_BODIES = 4;
const MOST_BLOCKS = 8;
const PLAIN = [...WRITES, ...KERNELS];
const plainWeight = PLAIN.reduce((sum, [weight]) => sum + weight, 0);

const timesOf = (choices: Choices): number =>
  choices.oneIn(3) ? choices.pick([12, 40, 120, 400]) : choices.below(6);

/** Writes the genes of one frame, and of the bodies inside it. */
export class Writer {
  readonly #functions: readonly FunctionHead[];
  readonly #open: Block[] = [];
  #frame: Frame;

  constructor(frame: Frame, functions: readonly FunctionHead[]) {
    this.#frame = frame;
    this.#functions = functions;
  }

  /**
   * @param guarded Whether a region stands around all of it, so that what was computed before a failure is seen.
   * @param rounds How often all of it is repeated, 1 for no loop at all.
   */
  write(genes: readonly Gene[], guarded: boolean, rounds: number): void {
    if (rounds > 1) {
      prepare(this.#frame, new Choices([rounds]));
      this.#open.push(this.#countedLoop(rounds));
    }
    if (guarded) this.#open.push(this.#region());
    for (const [what, ...numbers] of genes) this.#gene(what, new Choices(numbers));
    const last = new Choices([]);
    while (this.#open.length > 0) this.#closeInnermost(last);
    this.#frame.placeRest(last);
  }

  #gene(what: number, choices: Choices): void {
    const structural = this.#structural();
    let at = what % (plainWeight + structural.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, write] of PLAIN) {
      if (at >= 0 && at < weight) this.#plain(() => write(this.#site(), choices), choices);
      at -= weight;
    }
    for (const [weight, act] of structural) {
      if (at >= 0 && at < weight) act(choices);
      at -= weight;
    }
  }

  #site(): Site {
    return { frame: this.#frame, functions: this.#functions };
  }

  /** One in two stands in a region of its own, so that a failure does not end most programs at once. */
  #plain(write: () => void, choices: Choices): void {
    const frame = this.#frame;
    frame.placeAwaited(choices);
    if (choices.below(2) === 0) write();
    else {
      const block = this.#region();
      write();
      const handler = block.close(choices);
      if (handler !== null) this.#open.push(handler);
    }
    if (choices.below(3) > 0) frame.watch(choices);
    frame.settle(choices);
  }

  #structural(): readonly (readonly [number, (choices: Choices) => void])[] {
    const opens = (open: (choices: Choices) => Block) => (choices: Choices) => {
      if (this.#open.length < MOST_BLOCKS) this.#open.push(open(choices));
    };
    return [
      [14, (choices) => this.#closeInnermost(choices)],
      [4, opens((choices) => this.#arms(choices))],
      [6, opens((choices) => this.#preparedLoop(choices))],
      [1, opens(() => this.#openLoop())],
      [4, opens(() => this.#region())],
      [5, opens((choices) => this.#body(choices))],
      [2, (choices) => this.#jumpTable(choices)],
      [3, (choices) => this.#jump(choices)],
      [2, (choices) => writeEnding(this.#frame, choices)],
      [2, (choices) => this.#spawnFunction(choices)],
    ];
  }

  #closeInnermost(choices: Choices): void {
    const block = this.#open.pop();
    if (block === undefined) return;
    const next = block.close(choices);
    if (next !== null) this.#open.push(next);
  }

  /** JZ over one arm, and sometimes a second one; both leave the same depth. */
  #arms(choices: Choices): Block {
    const frame = this.#frame;
    const [other, behind] = [frame.labels.next(), frame.labels.next()];
    frame.need([choices.pick<Kind>(["boolean", "number", "any"])], choices);
    frame.act(choices.pick(["JZ", "JNZ"]), { label: other }, 1);
    const before = [...frame.stack];
    // Arms that leave a value each, which may be of two kinds.
    const kinds = choices.oneIn(3) ? [choices.pick(RESULTS), choices.pick(RESULTS)] : null;
    const leave = (arm: 0 | 1, last: Choices): void => {
      frame.level(before.length, last);
      if (kinds !== null) frame.push(kinds[arm] ?? "any", last);
    };
    const closeSecond = (last: Choices): null => {
      leave(1, last);
      frame.place(behind);
      return null;
    };
    return {
      frame,
      close: (last) => {
        leave(0, last);
        const hasSecond = kinds !== null || last.oneIn(2);
        if (hasSecond) frame.act("JUMP", { label: behind }, 0);
        frame.stack = [...before];
        frame.place(other);
        return hasSecond ? { frame, close: closeSecond } : null;
      },
    };
  }

  #preparedLoop(choices: Choices): Block {
    if (choices.below(3) > 0) prepare(this.#frame, choices);
    return this.#countedLoop(timesOf(choices));
  }

  #countedLoop(times: number): Block {
    const frame = this.#frame;
    const [head, behind, counter] = [frame.labels.next(), frame.labels.next(), frame.counter()];
    frame.act("PUSH", { value: times }, 0, "number");
    frame.act("STORE", { reg: counter }, 1);
    const depth = frame.depth;
    frame.place(head);
    frame.act("LOAD", { reg: counter }, 0, "number");
    frame.act("JZ", { label: behind }, 1);
    frame.act("LOAD", { reg: counter }, 0, "number");
    frame.act("PUSH", { value: 1 }, 0, "number");
    frame.act("SUB", {}, 2, "number");
    frame.act("STORE", { reg: counter }, 1);
    const close = (last: Choices): null => {
      frame.level(depth, last);
      frame.act("JUMP", { label: head }, 0);
      frame.place(behind);
      return null;
    };
    return { frame, close };
  }

  /** Ends when its condition says so, or at a quota. */
  #openLoop(): Block {
    const frame = this.#frame;
    const head = frame.labels.next();
    const depth = frame.depth;
    frame.place(head);
    const close = (last: Choices): null => {
      frame.need([last.pick<Kind>(["boolean", "any"])], last);
      const condition = "i";
      frame.act("STORE", { reg: condition }, 1);
      frame.level(depth, last);
      frame.act("LOAD", { reg: condition }, 0, "any");
      frame.act("JNZ", { label: head }, 1);
      return null;
    };
    return { frame, close };
  }

  #region(): Block {
    const frame = this.#frame;
    const [handler, behind] = [frame.labels.next(), frame.labels.next()];
    const before = [...frame.stack];
    const floorBefore = frame.floor;
    frame.act("TRY", { handler }, 0);
    frame.floor = frame.depth;
    const leave = (last: Choices): null => {
      frame.level(before.length, last);
      frame.place(behind);
      return null;
    };
    const close = (last: Choices): Block | null => {
      frame.level(before.length, last);
      frame.floor = floorBefore;
      frame.act("ENDTRY", {}, 0);
      frame.act("JUMP", { label: behind }, 0);
      frame.stack = [...before, "object"];
      frame.place(handler);
      const reg = last.pick(["error", ...REGISTERS]);
      frame.act("STORE", { reg, note: "handler" }, 1);
      frame.registers.set(reg, "object");
      return last.oneIn(4) && this.#open.length < MOST_BLOCKS ? { frame, close: leave } : leave(last);
    };
    return { frame, close };
  }

  /** The genes up to the closing one are the body of a task. */
  #body(choices: Choices): Block {
    const outer = this.#frame;
    if (outer.nesting >= MOST_BODIES || (outer.nesting > 1 && choices.below(2) === 0)) return this.#region();
    const inner = new Frame(new LabelNames(), null, outer.nesting + 1);
    const args = ["a", "b"].slice(0, choices.below(3)).map((to) => {
      inner.registers.set(to, "any");
      return { to, value: outer.operands.of("any", choices) };
    });
    const as = choices.pick(["t", "u"]);
    this.#frame = inner;
    const opened = this.#open.length;
    const close = (last: Choices): null => {
      while (this.#open.length > opened) this.#closeInnermost(last);
      inner.placeRest(last);
      endBody(inner, last);
      this.#frame = outer;
      outer.act("SPAWN", { as, body: inner.code, ...(args.length > 0 ? { args } : {}) }, 0);
      outer.registers.set(as, "task");
      if (last.oneIn(2)) outer.act("JOIN", { task: `reg:${as}` }, 0, "object");
      return null;
    };
    return { frame: inner, close };
  }

  #spawnFunction(choices: Choices): void {
    const frame = this.#frame;
    const callee = this.#functions[choices.below(Math.max(1, this.#functions.length))];
    if (callee === undefined) {
      frame.push("string", choices);
      return;
    }
    const { name, params } = callee;
    const args = (params ?? ["n"]).map((to) => ({ to, value: frame.operands.of("number", choices) }));
    frame.act("SPAWN", { as: "t", func: name, args }, 0);
    frame.registers.set("t", "task");
  }

  /** A value is compared with cases in turn; each arm leaves one number. */
  #jumpTable(choices: Choices): void {
    const frame = this.#frame;
    const behind = frame.labels.next();
    const cases = Array.from({ length: 2 + choices.below(4) }, () => frame.labels.next());
    frame.need(["number"], choices);
    for (const [i, label] of cases.entries()) {
      frame.act("DUP", {}, 1, "number", "number");
      frame.act("PUSH", { value: i }, 0, "number");
      frame.act("EQ", {}, 2, "boolean");
      frame.act("JNZ", { label }, 1);
    }
    frame.act("JUMP", { label: behind }, 0);
    for (const [i, label] of cases.entries()) {
      frame.place(label);
      frame.act("POP", {}, 1);
      frame.act("PUSH", { value: 100 + i }, 0, "number");
      if (choices.below(3) > 0) frame.act("JUMP", { label: behind }, 0);
    }
    frame.place(behind);
  }

  /** Any place of the same depth: into loops, arms and regions as well as out of them. */
  #jump(choices: Choices): void {
    const frame = this.#frame;
    const op = choices.pick(["JNZ", "JZ", "JNZ", "JUMP"] as const);
    if (op !== "JUMP") frame.need(["boolean"], choices);
    if (choices.below(2) === 0 || !frame.jumpBack(op, choices)) frame.jumpAhead(op);
  }
}
