import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Level } from "../../../firmware/ports/hardware.ts";
import { Contact } from "../../../sim/board/contact.ts";
import type { EdgeSource } from "../../../sim/board/edge-source.ts";
import { EdgeTimeline } from "../../../sim/devices/edge-timeline.ts";
import { EncoderModel } from "../../../sim/devices/encoder.ts";
import { invertedSource } from "../../../sim/devices/inverted-source.ts";
import { PirModel } from "../../../sim/devices/pir.ts";
import { anemometerHz, energyPulseHz, flowPulseHz, PulseOutput } from "../../../sim/devices/pulse-output.ts";
import { ButtonModel, ReedModel } from "../../../sim/devices/switches.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";

const SECOND = 1_000_000;
const END = Number.MAX_SAFE_INTEGER;
const edges = (source: EdgeSource) => source.edgesBetween(-1, END).map(({ atUs, value }) => [atUs, value]);

describe("a timeline of edges", () => {
  it("has the level of the last edge, and tells that edges have come", () => {
    const line = new EdgeTimeline(0);
    let told = 0;
    const listening = line.onEdges(() => told++);
    line.actuate(100, 1);
    line.actuate(150, 1);
    line.actuate(200, 0);
    listening[Symbol.dispose]();
    line.actuate(300, 1);

    expect([99, 100, 199, 200, 300].map((atUs) => line.levelAt(atUs))).toEqual([0, 1, 1, 0, 1]);
    expect(line.edgesBetween(100, 200)).toEqual([{ atUs: 200, value: 0 }]);
    expect(told).toBe(2);
  });

  it("takes back what is not due, and whole groups only", () => {
    const line = new EdgeTimeline(0);
    line.plan([
      { atUs: 100, value: 1 },
      { atUs: 120, value: 0 },
      { atUs: 130, value: 1 },
    ]);
    line.plan([{ atUs: 500, value: 0 }]);
    let told = 0;
    using _listening = line.onEdges(() => told++);
    line.withdraw(110);
    line.withdraw(110);

    expect(edges(line)).toEqual([
      [100, 1],
      [120, 0],
      [130, 1],
    ]);
    expect(line.settled).toBe(1);
    expect(told).toBe(1);
  });

  it("keeps its level when it forgets edges of more than a minute ago", () => {
    const line = new EdgeTimeline(0);
    line.actuate(10, 1);
    line.actuate(61 * SECOND, 0);

    expect(edges(line)).toEqual([[61 * SECOND, 0]]);
    expect(line.levelAt(60 * SECOND)).toBe(1);
  });
});

describe("a motion detector", () => {
  it("holds its output for 2 s after the last motion", () => {
    const pir = new PirModel();
    pir.see(SECOND);
    pir.see(2 * SECOND);
    expect(edges(pir.line)).toEqual([
      [SECOND, 1],
      [4 * SECOND, 0],
    ]);

    pir.see(4 * SECOND);
    pir.see(9 * SECOND);
    expect(edges(pir.line)).toEqual([
      [SECOND, 1],
      [6 * SECOND, 0],
      [9 * SECOND, 1],
      [11 * SECOND, 0],
    ]);
  });

  it("sees the same motion however often it is looked at", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3 * SECOND }), { minLength: 1, maxLength: 12 });
    const motion = (atUs: number) => Math.floor(atUs / 700_000) % 7 === 3;

    fc.assert(
      fc.property(gaps, (list) => {
        const often = new PirModel({ motion });
        let nowUs = 0;
        for (const gap of list) {
          nowUs += gap;
          often.advanceTo(nowUs);
        }
        const once = new PirModel({ motion });
        once.advanceTo(nowUs);

        expect(edges(often.line)).toEqual(edges(once.line));
      }),
    );
  });
});

describe("pulse outputs", () => {
  it("give as many pulses as the world's quantity asks for, with a duty of one half, low while active", () => {
    const meter = new PulseOutput({ rateHz: (atUs) => (atUs < 5 * SECOND ? 10 : 2) });
    meter.advanceTo(10 * SECOND);
    const seen = meter.line.edgesBetween(0, 10 * SECOND);
    const lowUs = seen.reduce((total, edge, i) => {
      const nextUs = seen[i + 1]?.atUs ?? 10 * SECOND;
      return total + (edge.value === 0 ? nextUs - edge.atUs : 0);
    }, 0);

    expect(meter.pulsesAt(10 * SECOND)).toBe(60);
    expect(meter.line.levelAt(0)).toBe(1);
    expect(seen.filter((edge) => edge.value === 0)).toHaveLength(60);
    expect(Math.abs(lowUs - 5 * SECOND)).toBeLessThan(300_000);
  });

  it("are high while active if wired so, and stand still below zero", () => {
    const flow = new PulseOutput({ rateHz: () => -3, activeLow: false });
    flow.advanceTo(SECOND);

    expect(flow.line.levelAt(SECOND)).toBe(0);
    expect(flow.line.edgesBetween(0, SECOND)).toHaveLength(0);
  });

  it("have the rates of their data sheets", () => {
    // A meter with 1000 impulses per kWh: 1 kW is 1000 impulses an hour.
    expect(energyPulseHz(1000, 1000) * 3600).toBeCloseTo(1000, 9);
    expect(flowPulseHz(2)).toBe(15);
    expect(anemometerHz(2.4 / 3.6)).toBeCloseTo(1, 12);
  });

  it("turned round twice are what they were", () => {
    const line = new EdgeTimeline(0);
    line.plan([
      { atUs: 5, value: 1 },
      { atUs: 9, value: 0 },
    ]);
    const inverted = invertedSource(line);

    expect(edges(inverted)).toEqual([
      [5, 0],
      [9, 1],
    ]);
    expect(inverted.nextEdge?.(5)).toEqual({ atUs: 9, value: 1 });
    expect(inverted.nextEdge?.(9)).toBeNull();
    expect(edges(invertedSource(inverted))).toEqual(edges(line));
  });
});

describe("a quadrature encoder", () => {
  const turned = () => {
    const a = new EdgeTimeline(1);
    const b = new EdgeTimeline(1);
    return { a, b, encoder: new EncoderModel({ a, b }) };
  };

  it("turned forwards lets A lead B by a quarter of a cycle", () => {
    const { a, b, encoder } = turned();
    const lastUs = encoder.turn(4, 1000, 500);

    expect(lastUs).toBe(2500);
    expect(edges(a)).toEqual([
      [1000, 0],
      [2000, 1],
    ]);
    expect(edges(b)).toEqual([
      [1500, 0],
      [2500, 1],
    ]);
  });

  it("turned back begins after the turn under way, with B leading", () => {
    const { a, b, encoder } = turned();
    encoder.turn(4, 0, 500);
    encoder.turn(-2, 100, 1000);

    expect(edges(b).at(-1)).toEqual([2000, 0]);
    expect(edges(a).at(-1)).toEqual([3000, 0]);
    expect(encoder.steps).toBe(2);
  });

  it("is counted right by a decoder of four steps a cycle, whatever it does", () => {
    const states = ["11", "01", "00", "10"];
    const turns = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 10 });

    fc.assert(
      fc.property(turns, (list) => {
        const { a, b, encoder } = turned();
        let nowUs = 0;
        for (const steps of list) nowUs = encoder.turn(steps, nowUs, 300);
        const times = [...edges(a), ...edges(b)].map(([atUs]) => atUs ?? 0).sort((x, y) => x - y);
        let state = 0;
        let count = 0;
        for (const atUs of times) {
          const next = states.indexOf(`${a.levelAt(atUs)}${b.levelAt(atUs)}`);
          count += (next - state + 4) % 4 === 1 ? 1 : -1;
          expect([1, 3]).toContain((next - state + 4) % 4);
          state = next;
        }

        expect(new Set(times).size).toBe(times.length);
        expect(count).toBe(list.reduce((sum, steps) => sum + steps, 0));
      }),
    );
  });
});

describe("contacts that the world moves", () => {
  it("a button pulls its line to ground while pressed, and bounces", () => {
    const contact = new Contact(new SeededEntropy("1", "button"), 1);
    const button = new ButtonModel({ contact });
    button.press(SECOND);
    button.release(2 * SECOND);

    expect([0.9, 1.1, 1.9, 2.1].map((s) => contact.levelAt(s * SECOND))).toEqual([1, 0, 0, 1]);
    expect(contact.edgesBetween(0, 1.1 * SECOND).length % 2).toBe(1);
  });

  it.each([
    ["a door's reed closes when the magnet is near", 2, 4, [0, 0, 0, 1, 1, 1, 0, 0]],
    ["a float switch closes when the level is high", 4, 2, [1, 1, 1, 0, 0, 0, 1, 1]],
  ] as const)("%s, with hysteresis", (_what, closesAt, opensAt, expected) => {
    const values = [1, 2, 3, 4, 5, 3, 2, 1];
    const line = new EdgeTimeline(expected[0] as Level);
    const reed = new ReedModel({
      contact: line,
      quantity: (atUs) => values[Math.floor(atUs / SECOND)] ?? 0,
      closesAt,
      opensAt,
    });
    reed.advanceTo(7.9 * SECOND);

    expect(values.map((_, i) => line.levelAt((i + 0.5) * SECOND))).toEqual(expected);
  });
});
