/** One document out of the frames: places get names, functions that nobody calls are left out. */
import type { Json, JsonObject } from "../../core/json.ts";
import type { Instr, ProgramDocument } from "../../vm/index.ts";
import type { Origin, SourcePosition } from "../types.ts";
import { type Item, Label } from "./code.ts";
import type { UserFunction } from "./compilation.ts";
import type { Frame } from "./frame.ts";
import { optimise } from "./optimise.ts";

/** A function of the source with its code. */
export interface CompiledFunction {
  readonly fn: UserFunction;
  readonly frame: Frame;
  readonly begins: SourcePosition;
  readonly ends: SourcePosition;
}

export interface Assembled {
  readonly code: readonly Instr[];
  readonly origins: readonly Origin[];
  readonly capabilities: readonly string[];
  readonly outputs: readonly string[];
}

class Listing {
  readonly code: Instr[] = [];
  readonly origins: Origin[] = [];
  readonly #names = new Map<Label, string>();

  add(instr: Instr, position: SourcePosition, fn: string | null): void {
    this.origins.push({ unit: "code", index: this.code.length, position, fn });
    this.code.push(instr);
  }

  /** L1, L2, … in order of the code. */
  #nameOf(label: Label): string {
    const name = this.#names.get(label) ?? `L${this.#names.size + 1}`;
    this.#names.set(label, name);
    return name;
  }

  addAll(items: readonly Item[], end: SourcePosition, fn: string | null): void {
    for (const item of items) if (item instanceof Label) this.#nameOf(item);
    for (const [index, item] of items.entries()) {
      if (item instanceof Label) {
        // Labels do not stand side by side; one stands for what follows it.
        const next = items[index + 1];
        const position = next?.kind === "operation" ? next.position : end;
        this.add({ op: "LABEL", name: this.#nameOf(item) }, position, fn);
        continue;
      }
      const target = item.target === null ? null : this.#nameOf(item.target);
      const place: Record<string, Json> =
        target === null ? {} : item.op === "TRY" ? { handler: target } : { label: target };
      this.add({ op: item.op, ...place, ...item.fields }, item.position, fn);
    }
  }
}

/** Functions that main reaches, in order of the source. */
function reachable(main: Frame, functions: readonly CompiledFunction[]): readonly CompiledFunction[] {
  const byName = new Map(functions.map((one) => [one.fn.name, one]));
  const open = [...main.calls];
  const reached = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    open.push(...(byName.get(name)?.frame.calls ?? []));
  }
  return functions.filter(({ fn }) => reached.has(fn.name));
}

const itemsOf = ({ prelude, items }: Frame): readonly Item[] => optimise([...prelude, ...items]);

export function assemble(
  main: Frame,
  end: SourcePosition,
  functions: readonly CompiledFunction[],
): Assembled {
  const listing = new Listing();
  const used = reachable(main, functions);
  listing.addAll(itemsOf(main), end, null);
  for (const { fn, frame, begins, ends } of used) {
    const params = fn.params.length === 0 ? {} : { params: [...fn.params] };
    listing.add({ op: "FUNC", name: fn.name, ...params }, begins, fn.name);
    listing.addAll(itemsOf(frame), ends, fn.name);
    listing.add({ op: "ENDFUNC" }, ends, fn.name);
  }
  const frames = [main, ...used.map(({ frame }) => frame)];
  return {
    code: listing.code,
    origins: listing.origins,
    capabilities: [...new Set(frames.flatMap((frame) => [...frame.capabilities]))],
    outputs: [...new Set(frames.flatMap((frame) => [...frame.outputs]))],
  };
}

/** Members in the order of vm.md 2; what is empty is left out. */
export function documentOf(
  fields: JsonObject,
  { code, capabilities }: Assembled,
  outputs: readonly string[],
): ProgramDocument {
  const { name, version, description, outputs: _written, ...others } = fields;
  return {
    format: "imu.program/1",
    name: String(name ?? ""),
    version: String(version ?? ""),
    isa: 1,
    ...(description === undefined ? {} : { description: String(description) }),
    ...(capabilities.length === 0 ? {} : { capabilities }),
    ...(outputs.length === 0 ? {} : { outputs }),
    ...others,
    code,
  };
}
