/**
 * What an event of the simulator is made of, each part alone: its rate is the bound of the rates with devices.
 * Prints one `LimitFigures`, medians. Arguments: rounds, milliseconds of one.
 */
import { createHash } from "node:crypto";
import { nextTurn } from "../../../../firmware/adapters/event-loop.ts";
import { EventQueue } from "../../../../sim/time/event-queue.ts";
import { VirtualTime } from "../../../../sim/time/virtual-time.ts";
import { TraceHash } from "../../../../sim/trace/trace.ts";
import { measureAsync } from "../../../lib/async-rounds.ts";
import type { LimitFigures } from "./figures.ts";

const BATCH = 1000;

/** Timers that come again and again, as those of devices do. */
function timers(time: VirtualTime, count: number): void {
  const again = (): void => void time.at(time.nowUs + 1000, 2, again);
  for (let i = 0; i < count; i++) time.at(i, 2, again);
}

/** As the trace has them, about a hundred and fifty bytes. */
const record = (atUs: number) => ({
  atUs,
  actor: "tank-001",
  kind: "i2c",
  data: { bus: 1, address: 72, write: "01c383", read: "7d40", ack: true, us: 410 },
});

async function main([rounds = "5", roundMs = "200"]: string[]) {
  const queue = new EventQueue<number>({ mode: "fifo" });
  for (let i = 0; i < BATCH; i++) queue.add(i, 2, i);
  const time = new VirtualTime({ order: { mode: "fifo" }, turn: nextTurn });
  timers(time, 10);
  const trace = new TraceHash("bench");
  const bytes = Buffer.alloc(200, 0x61);
  const repeat = (work: (i: number) => void) => async (): Promise<number> => {
    for (let i = 0; i < BATCH; i++) work(i);
    return BATCH;
  };
  const rates = await measureAsync(
    [
      {
        id: "setImmediate",
        run: async () => {
          for (let i = 0; i < BATCH; i++) await nextTurn();
          return BATCH;
        },
      },
      {
        id: "queue",
        run: repeat((i) => {
          const event = queue.take();
          queue.add((event?.atUs ?? 0) + BATCH, 2, i);
        }),
      },
      {
        id: "emptyEvents",
        run: async () => {
          const before = time.taken;
          await time.runFor(100);
          return time.taken - before;
        },
      },
      { id: "traceRecords", run: repeat((i) => void trace.add(record(i))) },
      { id: "sha256", run: repeat(() => void createHash("sha256").update(bytes).digest("hex")) },
    ],
    { rounds: Number(rounds), roundMs: Number(roundMs), warmupMs: Number(roundMs) },
    () => undefined,
  );
  const of = (id: string): number => rates[id]?.median ?? 0;
  const figures: LimitFigures = {
    setImmediate: of("setImmediate"),
    queue: of("queue"),
    emptyEvents: of("emptyEvents"),
    traceRecords: of("traceRecords"),
    sha256: of("sha256"),
  };
  process.stdout.write(JSON.stringify(figures));
}

await main(process.argv.slice(2));
