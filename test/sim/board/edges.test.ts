import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GpioEdge, Level } from "../../../firmware/ports/hardware.ts";
import { Contact } from "../../../sim/board/contact.ts";
import type { ContactEdge, EdgeSource } from "../../../sim/board/edge-source.ts";
import { Listeners } from "../../../sim/board/listeners.ts";
import { PulseSource } from "../../../sim/board/pulse-source.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { aBoard, type BenchOptions, input } from "./bench.ts";

/** A source with exactly the edges that a test wants. */
class ScriptedSource implements EdgeSource {
  #edges: ContactEdge[] = [];
  readonly #listeners = new Listeners<[]>();

  set(...times: number[]): void {
    this.#edges = times.map((atUs, i) => ({ atUs, value: i % 2 === 0 ? 1 : 0 }));
    this.#listeners.tell();
  }
  levelAt(atUs: number): Level {
    return this.#edges.findLast((edge) => edge.atUs <= atUs)?.value ?? 0;
  }
  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    return this.#edges.filter((edge) => edge.atUs > fromUs && edge.atUs <= toUs);
  }
  onEdges(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }
}

async function aWatch(source: EdgeSource, debounceMs: number, options: BenchOptions = {}) {
  const bench = aBoard({
    ...options,
    wiring: { gpio: new Map([[23, { kind: "contact", contact: source }]]) },
  });
  const line = await bench.hardware.gpio(input(23));
  const seen: { edge: GpioEdge; atUs: number }[] = [];
  const watch = line.watch("both", debounceMs, (edge) => seen.push({ edge, atUs: bench.time.nowUs }));
  return { ...bench, line, seen, watch };
}

describe("edges of a watched line", () => {
  it("carry their true time and come within 200 µs, in order, one event each", async () => {
    const source = new ScriptedSource();
    const { time, seen, of } = await aWatch(source, 0);
    const times = [1000, 1001, 1150, 5000, 9000];
    const before = time.taken;

    source.set(...times);
    await time.runFor(100);

    expect(seen.map(({ edge }) => Math.round(edge.monoMs * 1000))).toEqual(times);
    expect(seen.map(({ edge }) => edge.value)).toEqual([1, 0, 1, 0, 1]);
    for (const { edge, atUs } of seen) {
      expect(atUs).toBeGreaterThan(edge.monoMs * 1000);
      expect(atUs).toBeLessThan(edge.monoMs * 1000 + 200);
    }
    expect(of("gpio.edge")).toHaveLength(5);
    expect(time.taken - before).toBeLessThanOrEqual(5);
  });

  it("cost nothing while nothing moves", async () => {
    const { time } = await aWatch(new ScriptedSource(), 10);
    const before = time.taken;

    await time.runFor(3_600_000);

    expect(time.taken - before).toBe(0);
  });

  it("that no longer come are not delivered", async () => {
    const source = new ScriptedSource();
    const { time, seen } = await aWatch(source, 0);
    source.set(10_000);
    await time.runFor(5);
    source.set();

    await time.runFor(100);

    expect(seen).toEqual([]);
  });

  it("wait in a queue of 16 while the process is frozen; the newest are lost and counted", async () => {
    const source = new ScriptedSource();
    const { time, board, seen, of } = await aWatch(source, 0);
    board.freeze(100_000);

    source.set(...Array.from({ length: 25 }, (_, i) => 1000 * (i + 1)));
    await time.runUntil(99_999);
    expect(seen).toEqual([]);
    await time.runUntil(200_000);

    expect(seen.map(({ edge }) => edge.monoMs)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(of("gpio_overflow")).toEqual([{ line: 23, lost: 9 }]);
  });

  it("end with the watch", async () => {
    const source = new ScriptedSource();
    const { time, seen, watch } = await aWatch(source, 0);
    source.set(1000, 50_000);
    await time.runFor(10);
    watch[Symbol.dispose]();

    await time.runFor(100);

    expect(seen).toHaveLength(1);
  });

  it("count once the level has been stable for the debounce time, at the time it was", async () => {
    const source = new ScriptedSource();
    const { time, seen } = await aWatch(source, 5);
    // As in the golden case: 1 at 0, 0 at 1 ms, 1 at 2 ms, 0 at 50 ms; here 1 ms later.
    source.set(1000, 2000, 3000, 51_000);

    await time.runFor(100);

    expect(seen.map(({ edge }) => [edge.value, edge.monoMs])).toEqual([
      [1, 8],
      [0, 56],
    ]);
  });

  it("let an edge that is still on its way break the stability", async () => {
    for (let i = 0; i < 40; i++) {
      const source = new ScriptedSource();
      const { time, seen } = await aWatch(source, 5, { stream: (name) => new SeededEntropy(`${i}`, name) });
      // The second edge happens 10 µs before the first has settled, and is delivered up to 200 µs later.
      source.set(1000, 5990);

      await time.runFor(100);

      expect(seen).toEqual([]);
    }
  });

  it("show the device's clock, which drifts", async () => {
    const source = new ScriptedSource();
    const { time, seen } = await aWatch(source, 0, { ppm: 40 });
    source.set(3_600_000_000);

    await time.runFor(3_600_001);

    expect(seen[0]?.edge.monoMs).toBeCloseTo(3_600_144, -1);
    expect(Math.abs((seen[0]?.edge.monoMs ?? 0) - 3_600_144)).toBeLessThanOrEqual(1);
  });

  it("of a bouncing contact settle to one, whatever the seed", async () => {
    for (let i = 0; i < 20; i++) {
      const contact = new Contact(new SeededEntropy(`${i}`, "contact"), 0);
      const { time, seen } = await aWatch(contact, 10);
      await time.runFor(7);
      contact.actuate(time.nowUs, 1);
      await time.runFor(50);

      expect(seen.map(({ edge }) => edge.value)).toEqual([1]);
      expect(seen[0]?.edge.monoMs).toBeGreaterThanOrEqual(17);
      expect(seen[0]?.edge.monoMs).toBeLessThanOrEqual(22.001);
    }
  });

  it("reach every watch of a line", async () => {
    const source = new ScriptedSource();
    const { time, seen, line } = await aWatch(source, 0);
    const falling: GpioEdge[] = [];
    line.watch("falling", 0, (edge) => falling.push(edge));

    source.set(1000, 2000, 3000);
    await time.runFor(10);

    expect([seen.length, falling.map((edge) => edge.value)]).toEqual([3, [0]]);
  });
});

describe("a contact", () => {
  it("stops its old bouncing when it is moved again, and alternates from edge to edge", () => {
    const moves = fc.array(fc.integer({ min: 1, max: 8000 }), { minLength: 1, maxLength: 12 });

    fc.assert(
      fc.property(moves, fc.integer(), (pauses, seed) => {
        const contact = new Contact(new SeededEntropy(`${seed}`, "contact"), 0);
        let atUs = 0;
        let level: Level = 0;
        for (const pause of pauses) {
          atUs += pause;
          level = level === 1 ? 0 : 1;
          contact.actuate(atUs, level);
        }
        const edges = contact.edgesBetween(-1, Number.MAX_SAFE_INTEGER);
        const times = edges.map((edge) => edge.atUs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(contact.levelAt(atUs + 10_000)).toBe(level);
        expect(edges.at(-1)?.value ?? 0).toBe(level);
      }),
    );
  });
});

describe("pulses of a meter", () => {
  it("come at the rate of the world with duty 50 %", () => {
    const pulses = new PulseSource();
    pulses.setRate(0, 100);

    const edges = pulses.edgesBetween(0, 1_000_000);

    expect(edges.length).toBe(200);
    expect(edges.slice(0, 3)).toEqual([
      { atUs: 5000, value: 1 },
      { atUs: 10_000, value: 0 },
      { atUs: 15_000, value: 1 },
    ]);
    expect(pulses.pulsesAt(1_000_000)).toBe(100);
  });

  it("neither lose nor double an edge, however the rate changes", () => {
    const changes = fc.array(
      fc.record({
        pauseUs: fc.integer({ min: 1, max: 200_000 }),
        hz: fc.double({ min: 0, max: 5000, noNaN: true }),
      }),
      { minLength: 1, maxLength: 10 },
    );

    fc.assert(
      fc.property(changes, (steps) => {
        const pulses = new PulseSource();
        let atUs = 0;
        let seenUs = 0;
        let halves = 0;
        let rate = 0;
        const edges: ContactEdge[] = [];
        for (const { pauseUs, hz } of [...steps, { pauseUs: 100_000, hz: 0 }]) {
          halves += (pauseUs * rate * 2) / 1e6;
          atUs += pauseUs;
          edges.push(...pulses.edgesBetween(seenUs, atUs));
          seenUs = atUs;
          pulses.setRate(atUs, hz);
          rate = hz;
        }
        expect(Math.abs(edges.length - Math.floor(halves))).toBeLessThanOrEqual(1);
        edges.forEach((edge, i) => {
          expect(edge.value).toBe(i % 2 === 0 ? 1 : 0);
          expect(pulses.levelAt(edge.atUs)).toBe(edge.value);
          if (i > 0) expect(edge.atUs).toBeGreaterThan(edges[i - 1]?.atUs ?? 0);
        });
      }),
    );
  });

  it("wake a watcher only as often as they come", async () => {
    const pulses = new PulseSource();
    const { time, seen } = await aWatch(pulses, 0);
    pulses.setRate(time.nowUs, 10);
    await time.runFor(1000);
    pulses.setRate(time.nowUs, 0);
    await time.runFor(10_000);

    expect(seen.length).toBe(20);
  });
});
