import { describe, expect, it } from "vitest";
import { smallTank } from "./small-fleet.ts";

const TIMELINE = [
  { at: "8s", fault: "cut", device: "tank-001", label: "mqtt.publish", nth: 1, point: "during", offMs: 2000 },
  { at: "20s", fault: "bus", device: "tank-001", target: "i2c-1/0x48", kind: "nack", p: 0.5, for: "5s" },
  { every: "7s", do: "publish", as: "op-1", device: "tank-001", command: { name: "status.get" } },
];

async function traceOf(change: object, seed?: string): Promise<string> {
  const sim = await smallTank(
    { duration: "40s", timeline: TIMELINE, ...change },
    seed === undefined ? {} : { seed },
  );
  await sim.run();
  return (await sim.end()).traceHash;
}

describe("a simulation", () => {
  it("leaves the same trace for the same seed, byte for byte, also beside another one", async () => {
    const [one, other] = await Promise.all([traceOf({}), traceOf({})]);

    expect(one).toBe(other);
    expect(await traceOf({})).toBe(one);
  });

  it("leaves another trace for another seed", async () => {
    expect(await traceOf({}, "1")).not.toBe(await traceOf({}, "2"));
  });
});
