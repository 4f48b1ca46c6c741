/**
 * A process of its own that loads programs and leaves them idle. Prints `{bytesEach}`.
 * Arguments: engine (`imu`, `imu-ran` after one run each, `quickjs`, `isolated-vm`), programs.
 */

import type { JsonObject } from "../../../../firmware/core/json.ts";
import { parseProgram } from "../../../../firmware/vm/index.ts";
import { bodyOf, machineOf, runWhole, verified } from "../engines/imu.ts";
import { importIsolatedVm } from "../engines/isolated-vm-shape.ts";
import { pid } from "../workloads/pid.ts";
import { liveBytes } from "./live-bytes.ts";

/** The PID program under another name, with other constants. */
function variant(i: number): Buffer {
  const document: JsonObject = {
    ...pid.document,
    name: `bench.idle-${i}`,
    constants: { kp: 2.5 + i, ki: 0.4, kd: 0.1, dt: 0.1 + i / 1000 },
  };
  return Buffer.from(JSON.stringify(document));
}

const sourceOf = (i: number): string => `(${String(pid.native).replace("2.5", String(2.5 + i))})`;

/** Bytes each, the first one left out: it pays for what all share. */
function each(count: number, load: (i: number) => unknown, bytes: () => number = liveBytes): number {
  const kept: unknown[] = [load(0)];
  const before = bytes();
  for (let i = 1; i <= count; i++) kept.push(load(i));
  return (bytes() - before) / (kept.length - 1);
}

const loadOurs = (i: number) => verified(parseProgram(variant(i)));

function loadAndRun(i: number) {
  const program = loadOurs(i);
  bodyOf(runWhole(machineOf(program, { ...pid.payload, n: 100 }, "tiered")));
  return program;
}

async function quickJs(count: number): Promise<number> {
  const quickJs = await (await import("quickjs-emscripten")).getQuickJS();
  let sum = 0;
  const used = (): number => sum + liveBytes();
  return each(
    count,
    (i) => {
      const context = quickJs.newContext();
      const f = context.unwrapResult(context.evalCode(sourceOf(i)));
      sum += context.runtime
        .computeMemoryUsage()
        .consume((usage) =>
          context.getProp(usage, "memory_used_size").consume((size) => context.getNumber(size)),
        );
      return [context, f];
    },
    used,
  );
}

async function isolates(count: number): Promise<number> {
  const { Isolate } = await importIsolatedVm();
  let sum = 0;
  return each(
    count,
    (i) => {
      const isolate = new Isolate({ memoryLimit: 64 });
      const f = isolate.createContextSync().evalSync(sourceOf(i), { reference: true });
      sum += isolate.getHeapStatisticsSync().used_heap_size;
      return [isolate, f];
    },
    () => sum + liveBytes(),
  );
}

async function main([engine = "", count = "1"]: readonly string[]): Promise<void> {
  const programs = Number(count);
  const bytesEach =
    engine === "quickjs"
      ? await quickJs(programs)
      : engine === "isolated-vm"
        ? await isolates(programs)
        : each(programs, engine === "imu-ran" ? loadAndRun : loadOurs);
  process.stdout.write(JSON.stringify({ bytesEach }));
}

await main(process.argv.slice(2));
// Isolates that are still open would keep the process.
process.exit(0);
