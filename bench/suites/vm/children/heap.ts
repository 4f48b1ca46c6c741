/**
 * A process of its own that builds data on one engine and looks at its heap. Prints one `HeapFigures`.
 * Arguments: engine (`v8`, `quickjs` or an executor), kind of data, instances.
 */

import type { Executor, Machine } from "../../../../firmware/vm/index.ts";
import { bodyOf, machineOf, verified } from "../engines/imu.ts";
import { DATA_KINDS, type DataKind } from "../programs/data.ts";
import type { HeapFigures } from "./figures.ts";
import { liveBytes } from "./live-bytes.ts";

/** A machine that has built its data and waits. */
function waiting(program: ReturnType<typeof verified>, executor: Executor): Machine {
  const machine = machineOf(program, {}, executor);
  for (;;) {
    const state = machine.runSlice(Number.MAX_SAFE_INTEGER);
    if (state === "waiting") return machine;
    if (state === "ended") throw new Error(`ended early: ${JSON.stringify(machine.result?.error)}`);
  }
}

/** Lets it end, and tells what it was charged. */
function charged(machine: Machine): number {
  for (const request of machine.takeRequests()) machine.complete({ kind: "wake", request: request.id });
  machine.runSlice(Number.MAX_SAFE_INTEGER);
  if (machine.result === null) throw new Error("still waits");
  bodyOf(machine.result);
  return machine.result.metrics.memBytes;
}

function ours({ document }: DataKind, executor: Executor, instances: number): HeapFigures {
  const program = verified(document);
  charged(waiting(program, executor));
  const machines: Machine[] = [];
  const before = liveBytes();
  for (let i = 0; i < instances; i++) machines.push(waiting(program, executor));
  const heapBytes = (liveBytes() - before) / instances;
  const [first] = machines.map(charged);
  return { heapBytes, chargedBytes: first ?? null };
}

function v8({ native }: DataKind, instances: number): HeapFigures {
  native();
  const kept: unknown[] = [];
  const before = liveBytes();
  for (let i = 0; i < instances; i++) kept.push(native());
  const heapBytes = (liveBytes() - before) / instances;
  return { heapBytes: kept.length === instances ? heapBytes : Number.NaN, chargedBytes: null };
}

async function quickJs({ native }: DataKind, instances: number): Promise<HeapFigures> {
  const { getQuickJS } = await import("quickjs-emscripten");
  const context = (await getQuickJS()).newContext();
  const used = (): number =>
    context.runtime.computeMemoryUsage().consume((usage) => {
      const size = context.getProp(usage, "memory_used_size");
      return size.consume((handle) => context.getNumber(handle));
    });
  context
    .unwrapResult(context.evalCode(`globalThis.build = ${String(native)}; globalThis.kept = [];`))
    .dispose();
  const before = used();
  context
    .unwrapResult(context.evalCode(`for (let i = 0; i < ${instances}; i++) kept.push(build());`))
    .dispose();
  return { heapBytes: (used() - before) / instances, chargedBytes: null };
}

async function main([engine = "", kindId = "", count = "1"]: readonly string[]): Promise<void> {
  const kind = DATA_KINDS.find(({ id }) => id === kindId);
  if (kind === undefined) throw new Error(`No data called ${kindId}.`);
  const instances = Number(count);
  const figures =
    engine === "v8"
      ? v8(kind, instances)
      : engine === "quickjs"
        ? await quickJs(kind, instances)
        : ours(
            kind,
            engine === "interpreter" ? "interpreter" : engine === "tiered" ? "tiered" : "compiled",
            instances,
          );
  process.stdout.write(JSON.stringify(figures));
}

await main(process.argv.slice(2));
