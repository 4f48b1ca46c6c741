/** The tank of the examples as a short scenario, with whatever a test adds. */
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../../firmware/composition/package-info.ts";

export interface ShortTank {
  readonly duration?: string;
  readonly count?: number;
  /** Entries in YAML flow style. */
  readonly timeline?: readonly string[];
  readonly expect?: readonly string[];
  readonly more?: string;
  /** A battery-backed clock; default false. */
  readonly rtc?: boolean;
  /** Further parts in YAML flow style. */
  readonly wiring?: readonly string[];
}

const list = (name: string, items: readonly string[]): string =>
  items.length === 0 ? "" : `${name}:\n${items.map((item) => `  - ${item}\n`).join("")}`;

export function shortTank(options: ShortTank = {}): string {
  const {
    duration = "10s",
    count = 1,
    timeline = [],
    expect = ["{ eventually: any devices tank1.pump == 1 }"],
  } = options;
  const tank = join(PACKAGE_ROOT, "examples", "tank");
  return `name: short-tank
seed: 1
duration: ${duration}
fleet: { id: water, root: sim, operators: [{ id: op-1, scopes: [command, deploy] }] }
devices:
  - prefix: tank-
    count: ${count}
    board: raspberry-pi-4
    policy: ${join(tank, "policy.json")}
    programs: [${join(tank, "programs", "fill.json")}]
    rtc: ${options.rtc ?? false}
    config: { clock: { trust: system } }
    wiring:
      - { model: relay, line: 17, drives: tank1.pump, safe: off }
      - { model: float, line: 23, reads: { level: { of: tank1.level, offset: -0.4 } } }
      - { model: ads1115, bus: i2c-1, address: 0x48, reads: { ain0: { of: tank1.level, gain: 2.5, offset: 0.5, noise: 0.002 } } }
${(options.wiring ?? []).map((part) => `      - ${part}\n`).join("")}    sensors:
      - { uri: i2c://1/0x48/ch0, driver: ads1115, scale: 0.4, offset: -0.2, unit: m, min: -0.02, max: 1.02 }
world:
  tank1: { kind: tank, each: tank-, level: 0.4, height: 1.0, area: 0.5, qIn: 0.01, qOut: 0.004, valve: 0.5 }
${list("timeline", timeline)}${list("expect", expect)}${options.more ?? ""}`;
}
