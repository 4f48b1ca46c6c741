import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";
import type { Scenario } from "../../../sim/scenario/types.ts";

/** The example of simulator.md 10. */
export const EXAMPLE = `name: pump-survives-partition
seed: 42
duration: 2h
order: random
fleet: { id: plant-7, root: sim, operators: [{ id: op-1, scopes: [command, deploy] }] }
broker: { version: 5, volatile: false }
devices:
  - { prefix: pump-, count: 3, board: rpi-4b, policy: policies/pump.yaml, programs: [programs/pump.json],
      ppm: 40, rtc: false,
      wiring: [ { model: relay, line: 17, drives: tank1.pump, activeLow: true, safe: off },
                { model: sht31, bus: i2c-1, address: 0x44, reads: { t: room1.t, rh: room1.rh } },
                { model: ads1115, bus: i2c-1, address: 0x48, reads: { ain0: { of: tank1.level, gain: 2.5, offset: 0.5 } } } ] }
world:
  tank1: { kind: tank, level: 0.4, height: 1.0, area: 0.5, qIn: 0.01, qOut: 0.004 }
  room1: { kind: thermal, t: 20, C: 50000, G: 30, P: 1500, ambient: 5 }
link: { mode: faithful, minUs: 5000, spreadUs: 20000, tailP: 0.01, tailUs: 400000 }
timeline:
  - { at: 10m, fault: partition, groups: [[pump-001], [pump-002, pump-003, broker]], for: 20m }
  - { at: 15m, fault: cut, device: pump-001, label: 'store.batch', nth: 3, point: during, offMs: 30000 }
  - { at: 20m, fault: sensor, device: pump-002, target: i2c-1/0x44, kind: stuck }
  - { every: 60s, do: publish, as: op-1, command: { name: status.get } }
  - { at: 40m, do: ota, targets: policies/pump-v2.yaml, signers: [op-1] }
expect:
  - { always: 'tank1.level < 0.95' }
  - { by: 1h, that: 'all devices policy == v2' }
  - { never: { event: rolled_back } }
`;

/** The least that is a scenario, with more lines behind it. */
export const minimal = (more = "", wiring = ""): string => `name: least
duration: 1m
devices:
  - { prefix: a-, board: raspberry-pi-4, policy: p.json${wiring === "" ? "" : `, wiring: [${wiring}]`} }
world:
  tank1: { kind: tank, level: 0.4, height: 1, area: 0.5 }
expect: [{ always: tank1.level < 1 }]
${more}`;

export const parse = (text: string): Scenario => parseScenario(text, "s.yaml");

/** What a text is refused with. */
export function refusalOf(text: string): {
  readonly code: string;
  readonly details: Record<string, unknown>;
} {
  try {
    parse(text);
  } catch (error) {
    return error as ReturnType<typeof refusalOf>;
  }
  throw new Error("it was read");
}
