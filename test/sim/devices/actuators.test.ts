import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FanModel } from "../../../sim/devices/fan.ts";
import { LoadModel } from "../../../sim/devices/load.ts";
import { RelayModel } from "../../../sim/devices/relay.ts";
import { ValveModel } from "../../../sim/devices/valve.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";

const MS = 1000;
const SECOND = 1_000_000;

describe("a relay", () => {
  const aRelay = (options: Partial<ConstructorParameters<typeof RelayModel>[0]> = {}) =>
    new RelayModel({ activeLow: false, idle: 0, ...options });

  it("operates after 10 ms, releases after 5 ms, and counts", () => {
    const relay = aRelay();
    relay.drive(1, 100 * MS);
    relay.drive(1, 101 * MS);
    relay.drive(0, 200 * MS);

    expect([109.999, 110, 204.999, 205].map((ms) => relay.closed(ms * MS))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(relay.cycles).toBe(1);
    expect(relay.driven).toBe(false);
  });

  it("does not move for pulses and pauses shorter than its times", () => {
    const relay = aRelay();
    relay.drive(1, 0);
    relay.drive(0, 9 * MS);
    expect(relay.cycles).toBe(0);
    expect(relay.closed(15 * MS)).toBe(false);

    relay.drive(1, 20 * MS);
    relay.drive(0, 100 * MS);
    relay.drive(1, 104 * MS);
    expect([104, 105, 114, 200].every((ms) => relay.closed(ms * MS))).toBe(true);
    expect(relay.cycles).toBe(1);
  });

  it("on a board with active-low inputs is on at level 0 and off while nobody drives its pulled-up input", () => {
    const relay = aRelay({ activeLow: true, idle: 1 });
    relay.drive(0, 0);
    expect(relay.closed(SECOND)).toBe(true);

    relay.drive(null, SECOND);
    expect(relay.closed(2 * SECOND)).toBe(false);
    // An input that is pulled to its active level switches the load on by itself.
    expect(aRelay({ activeLow: true, idle: 0 }).closed(0)).toBe(true);
  });

  it("bounces for at most 2 ms when it closes, ends closed, and does not bounce when it opens", () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const relay = aRelay({ bounce: new SeededEntropy(seed, "relay"), readBackClosed: 1 });
        relay.drive(1, 0);
        relay.drive(0, SECOND);
        const edges = relay.readBack.edgesBetween(0, 2 * SECOND);
        const closing = edges.filter((edge) => edge.atUs < SECOND);

        expect(closing[0]).toEqual({ atUs: 10 * MS, value: 1 });
        expect(closing.at(-1)?.atUs).toBeLessThanOrEqual(12 * MS);
        expect(closing.map((edge) => edge.value)).toEqual(closing.map((_, i) => (i % 2 === 0 ? 1 : 0)));
        expect(closing.length % 2).toBe(1);
        expect(closing.length).toBeLessThanOrEqual(9);
        expect(edges.slice(closing.length)).toEqual([{ atUs: SECOND + 5 * MS, value: 0 }]);
        for (const edge of edges) {
          const last = edges.findLast((other) => other.atUs === edge.atUs);
          expect(relay.closed(edge.atUs)).toBe(last?.value === 1);
        }
      }),
    );
  });

  it("shows at its read-back contact what the armature does, not what the coil should", () => {
    const relay = aRelay();
    expect(relay.readBack.levelAt(0)).toBe(1);
    let told = 0;
    using _listening = relay.readBack.onEdges(() => told++);
    relay.drive(1, 0);
    expect(told).toBe(1);
    expect(relay.readBack.levelAt(9 * MS)).toBe(1);
    expect(relay.readBack.levelAt(10 * MS)).toBe(0);
    expect(relay.readBack.edgesBetween(0, SECOND)).toEqual([{ atUs: 10 * MS, value: 0 }]);

    relay.drive(0, 5 * MS);
    expect(told).toBe(2);
    expect(relay.readBack.edgesBetween(0, SECOND)).toEqual([]);
  });

  it("welded stays closed and shows it; burnt open switches nothing, which the read-back does not show", () => {
    const relay = aRelay();
    relay.drive(1, 0);
    relay.defect = "welded";
    relay.drive(0, SECOND);
    expect(relay.closed(2 * SECOND)).toBe(true);
    expect(relay.readBack.levelAt(2 * SECOND)).toBe(0);
    expect(relay.readBack.edgesBetween(SECOND, 2 * SECOND)).toEqual([]);

    relay.defect = "open";
    relay.drive(1, 3 * SECOND);
    expect(relay.closed(4 * SECOND)).toBe(false);
    expect(relay.readBack.levelAt(4 * SECOND)).toBe(0);

    relay.defect = null;
    expect(relay.closed(4 * SECOND)).toBe(true);
  });
});

describe("an LED or buzzer", () => {
  it("follows its line at once and sums up its time", () => {
    const led = new LoadModel({ activeLow: true, idle: 1 });
    led.drive(0, 100);
    led.drive(0, 150);
    led.drive(null, 300);
    led.drive(0, 1000);

    expect(led.on).toBe(true);
    expect(led.onUs(1500)).toBe(700);
    expect(led.switchings).toBe(2);
  });
});

describe("a PWM fan", () => {
  it("reaches 63 % of the way in its time constant of 1 s", () => {
    const fan = new FanModel({ maxRpm: 3000, idle: 0 });
    fan.drive(1, SECOND);

    expect(fan.rpm(SECOND)).toBe(0);
    expect(fan.rpm(2 * SECOND)).toBeCloseTo(3000 * (1 - 1 / Math.E), 6);
    expect(fan.tachHz(20 * SECOND)).toBeCloseTo(100, 3);
    fan.setDuty(0.4, 20 * SECOND);
    expect(fan.share(40 * SECOND)).toBeCloseTo(0.4, 6);
  });

  it("is as fast after one step as after many, and takes a fast line for its average", () => {
    const whole = new FanModel({ maxRpm: 1000, idle: 0 });
    whole.setDuty(0.7, 0);
    const parts = new FanModel({ maxRpm: 1000, idle: 0 });
    for (let us = 0; us < SECOND; us += 1000) parts.setDuty(0.7, us);
    expect(parts.rpm(SECOND)).toBeCloseTo(whole.rpm(SECOND), 6);

    const switched = new FanModel({ maxRpm: 1000, idle: 0 });
    for (let us = 0; us < 10 * SECOND; us += 10 * MS) {
      switched.drive(1, us);
      switched.drive(0, us + 3 * MS);
    }
    expect(Math.abs(switched.rpm(10 * SECOND) - 300)).toBeLessThan(5);
  });

  it("runs at full speed while its control line is not driven, and not at all when seized", () => {
    const fan = new FanModel({ maxRpm: 2000 });
    expect(fan.rpm(20 * SECOND)).toBeCloseTo(2000, 3);

    fan.setSeized(true, 20 * SECOND);
    expect(fan.rpm(30 * SECOND)).toBe(0);
    fan.setSeized(false, 30 * SECOND);
    expect(fan.rpm(30 * SECOND)).toBe(0);
    expect(fan.rpm(31 * SECOND)).toBeCloseTo(2000 * (1 - 1 / Math.E), 6);
  });
});

describe("a motor valve", () => {
  it("with a spring travels open in 5 s, reports where it is, and closes by itself", () => {
    const valve = new ValveModel({ kind: "spring", activeLow: false, idle: 0 });
    expect(valve.position(SECOND)).toBe(0);
    valve.opening.drive(1, SECOND);
    expect([1, 2, 3.5, 6, 9].map((s) => valve.position(s * SECOND))).toEqual([0, 0.2, 0.5, 1, 1]);

    valve.opening.drive(null, 9 * SECOND);
    expect(valve.position(11.5 * SECOND)).toBe(0.5);
    expect(valve.position(14 * SECOND)).toBe(0);
  });

  it("with two lines stands while neither or both are driven", () => {
    const valve = new ValveModel({ kind: "three-point", activeLow: true, idle: 1, initial: 0.5 });
    expect(valve.position(SECOND)).toBe(0.5);
    valve.closing.drive(0, SECOND);
    valve.opening.drive(0, 2 * SECOND);
    expect(valve.position(9 * SECOND)).toBeCloseTo(0.3, 12);

    valve.closing.drive(1, 9 * SECOND);
    expect(valve.position(10 * SECOND)).toBeCloseTo(0.5, 12);
    valve.opening.drive(1, 10 * SECOND);
    expect(valve.position(20 * SECOND)).toBeCloseTo(0.5, 12);
  });

  it("opens and closes its end switches where it arrives and leaves", () => {
    const valve = new ValveModel({ kind: "spring", activeLow: false, idle: 0 });
    valve.opening.drive(1, SECOND);
    expect(valve.closedEnd.edgesBetween(0, 9 * SECOND)).toEqual([{ atUs: SECOND + 1, value: 0 }]);
    expect(valve.openEnd.edgesBetween(0, 9 * SECOND)).toEqual([{ atUs: 6 * SECOND, value: 1 }]);

    // Turned round half way, it does not arrive.
    valve.opening.drive(0, 3.5 * SECOND);
    expect(valve.openEnd.edgesBetween(0, 9 * SECOND)).toEqual([]);
    expect(valve.closedEnd.edgesBetween(2 * SECOND, 9 * SECOND)).toEqual([{ atUs: 6 * SECOND, value: 1 }]);
  });

  it("jammed stands where it is and goes on from there", () => {
    const valve = new ValveModel({ kind: "spring", activeLow: false, idle: 0 });
    valve.opening.drive(1, 0);
    valve.setJammed(true, 2 * SECOND);
    expect(valve.position(60 * SECOND)).toBeCloseTo(0.4, 12);
    expect(valve.openEnd.levelAt(60 * SECOND)).toBe(0);

    valve.setJammed(false, 60 * SECOND);
    expect(valve.position(63 * SECOND)).toBeCloseTo(1, 12);
    expect(valve.openEnd.levelAt(63 * SECOND + 1)).toBe(1);
  });

  it("stays between its ends and agrees with its switches, however it is driven", () => {
    const drives = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 4 * SECOND }), line: fc.nat(1), on: fc.nat(1) }),
      { maxLength: 20 },
    );

    fc.assert(
      fc.property(drives, (list) => {
        const valve = new ValveModel({ kind: "three-point", activeLow: false, idle: 0 });
        let nowUs = 0;
        for (const { gap, line, on } of list) {
          nowUs += gap;
          const position = valve.position(nowUs);
          expect(position).toBeGreaterThanOrEqual(0);
          expect(position).toBeLessThanOrEqual(1);
          if (valve.openEnd.levelAt(nowUs) === 1) expect(position).toBeGreaterThan(1 - 1e-6);
          if (valve.closedEnd.levelAt(nowUs) === 1) expect(position).toBeLessThan(1e-6);
          const actuator = line === 0 ? valve.opening : valve.closing;
          actuator.drive(on === 1 ? 1 : 0, nowUs);
        }
      }),
    );
  });
});
