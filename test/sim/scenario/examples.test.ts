/** The scenarios that come with the product: they can be read, and their worlds close the loops of their programs. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../../firmware/composition/package-info.ts";
import { fillPolicyTemplate } from "../../../firmware/composition/policy-template.ts";
import { utf8 } from "../../../firmware/core/bytes.ts";
import { isJsonObject } from "../../../firmware/core/json.ts";
import { compilePolicy } from "../../../firmware/policy/index.ts";
import { parseProgram } from "../../../firmware/vm/index.ts";
import { type ExpressionScope, holds } from "../../../sim/scenario/evaluate.ts";
import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";
import type { DeviceGroup, Scenario } from "../../../sim/scenario/types.ts";
import { WorldNames } from "../../../sim/scenario/world-names.ts";
import { World } from "../../../sim/world/world.ts";

const FOLDER = join(PACKAGE_ROOT, "examples", "scenarios");
const STEP_US = 1_000_000;
const read = (name: string): Scenario =>
  parseScenario(readFileSync(join(FOLDER, name), "utf8"), join(FOLDER, name));

function policyOf(scenario: Scenario, group: DeviceGroup) {
  const path = join(dirname(scenario.file), String(group.policy));
  const names = { fleet: scenario.fleet.id, device: "imu-0000000000000000", operator: "0".repeat(64) };
  const result = compilePolicy(utf8(fillPolicyTemplate(readFileSync(path, "utf8"), names)));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.policy;
}

describe.each(readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")))("%s", (name) => {
  const scenario = read(name);

  test("has no net that floats", () => {
    expect(scenario.warnings).toEqual([]);
  });

  test.each(scenario.groups.map((group) => [group.prefix, group] as const))(
    "%s: every binding has its sensor or line, every line of an output its actuator",
    (_prefix, group) => {
      const policy = policyOf(scenario, group);
      const inputs = [...group.sensors, ...group.lines].map(({ uri }) => uri);
      const wired = group.wiring.map(({ target }) => target);
      for (const { uri } of policy.bindings) expect(inputs).toContain(uri);
      for (const { uri } of policy.outputs.filter((output) => output.uri.startsWith("gpio:")))
        expect(wired).toContain(`gpio-${uri.slice(uri.lastIndexOf("/") + 1)}`);
    },
  );

  test("its programs are documents, and its policy knows them and their outputs", () => {
    for (const group of scenario.groups) {
      const policy = policyOf(scenario, group);
      for (const path of group.programs) {
        const program = parseProgram(readFileSync(join(FOLDER, String(path))));
        if (!isJsonObject(program)) throw new Error(`${String(path)} is no object`);
        expect(Object.keys(policy.subjects)).toContain(`program:${String(program.name)}`);
        expect(policy.outputs.map((output) => output.name)).toEqual(
          expect.arrayContaining(program.outputs as string[]),
        );
      }
    }
  });
});

/** A relay that is switched on and off at two thresholds, as the programs do. */
function between(quantity: () => number, on: (value: number) => boolean, off: (value: number) => boolean) {
  let closed = false;
  return (): number => {
    if (on(quantity())) closed = true;
    else if (off(quantity())) closed = false;
    return closed ? 1 : 0;
  };
}

/** Runs the world alone, with thresholds in place of the programs, and tells which expectation about it fails first. */
function firstFailure(scenario: Scenario, connect: (world: World, device: string) => void): string | null {
  const world = new World("1", scenario.world);
  const names = new WorldNames(scenario.world.nodes, scenario.each);
  const ids = scenario.groups.flatMap((group) => group.ids);
  for (const id of ids) connect(world, id);
  const scope = (device: string | null): ExpressionScope => ({
    value: (name) => {
      const full = names.worldName(name, device);
      return full === null ? undefined : world.get(full);
    },
    count: () => 0,
    devices: device === null ? ids.map(scope) : [],
  });
  const whole = scope(null);
  const seen = new Set<number>();
  for (let atUs = 0; atUs <= scenario.durationUs; atUs += STEP_US) {
    world.advanceTo(atUs);
    for (const one of scenario.expect) {
      if (one.kind === "always" && !holds(one.condition, whole)) return `${one.text} at ${atUs / STEP_US} s`;
      if (one.kind === "by" && one.atUs === atUs && !holds(one.condition, whole)) return one.text;
      if (one.kind === "eventually" && holds(one.condition, whole)) seen.add(one.index);
    }
  }
  const never = scenario.expect.find(({ kind, index }) => kind === "eventually" && !seen.has(index));
  return never?.text ?? null;
}

const house = (world: World, own: string): void => {
  const air = (): number => world.get(`air${own}.t`);
  const soil = (): number => world.get(`soil${own}.level`);
  world.input(
    `air${own}.vent`,
    between(
      air,
      (t) => t > 25.5,
      (t) => t < 24.5,
    ),
  );
  world.input(
    `soil${own}.pump`,
    between(
      soil,
      (s) => s < 0.35,
      (s) => s > 0.45,
    ),
  );
};

describe("without faults the loop holds what the scenario expects", () => {
  test("greenhouse", () => {
    expect(firstFailure(read("greenhouse.yaml"), (world) => house(world, ""))).toBeNull();
  });

  test("fleet", () => {
    expect(firstFailure(read("fleet.yaml"), (world, id) => house(world, `@${id}`))).toBeNull();
  });

  test("tank", () => {
    const pump = (world: World): void => {
      const level = (): number => world.get("tank1.level");
      world.input(
        "tank1.pump",
        between(
          level,
          (h) => h < 0.6,
          (h) => h > 0.8,
        ),
        { delayUs: 2_000_000 },
      );
    };
    expect(firstFailure(read("tank.yaml"), pump)).toBeNull();
    // And a relay that is welded floods it.
    const welded = (world: World): void => world.input("tank1.pump", () => 1);
    expect(firstFailure(read("tank.yaml"), welded)).toMatch(/^tank1\.level < 0\.95/);
  });

  test("cold room", () => {
    const compressor = (world: World): void => {
      const air = (): number => world.get("air.t");
      world.input(
        "air.heater",
        between(
          air,
          (t) => t > 6,
          (t) => t < 4,
        ),
        { delayUs: 10_000_000 },
      );
    };
    expect(firstFailure(read("cold-room.yaml"), compressor)).toBeNull();
    // And without a compressor it gets too warm.
    expect(firstFailure(read("cold-room.yaml"), () => undefined)).toMatch(/^air\.t > 2 and air\.t < 8/);
  });
});
