import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import {
  boardOfModel,
  boards,
  findBoard,
  inspectBoard,
  MODULE_VERSIONS,
  type NodeState,
  resourceRequirement,
} from "../../boards/index.ts";
import { listKernelChips, systemAccess } from "../../drivers/providers/index.ts";
import { FakeTree } from "../drivers/fake-linux.ts";

const board = findBoard("raspberry-pi-os") ?? boards[0];
if (!board) throw new Error("no boards");

const table: readonly [
  need: string,
  node: NodeState,
  resource: string,
  commands: readonly string[],
  consent: boolean,
][] = [
  ["bus:i2c:1", "missing", "bus:i2c:1", ["sudo raspi-config nonint do_i2c 0"], true],
  ["bus:spi:0.1", "missing", "bus:spi:0.1", ["sudo raspi-config nonint do_spi 0"], true],
  [
    "serial:ttyAMA0",
    "missing",
    "serial:ttyAMA0",
    ["sudo raspi-config nonint do_serial_hw 0", "sudo raspi-config nonint do_serial_cons 1"],
    true,
  ],
  ["gpio:gpiochip0", "missing", "gpio:gpiochip0", [], false],
  [
    "bus:spi:0.0",
    "EACCES",
    "permission:/dev/spidev0.0",
    ["sudo usermod -aG spi imud", "sudo systemctl restart imud"],
    true,
  ],
  [
    "serial:ttyAMA0",
    "EACCES",
    "permission:/dev/ttyAMA0",
    ["sudo usermod -aG dialout imud", "sudo systemctl restart imud"],
    true,
  ],
  [
    "gpio:gpiochip0",
    "EACCES",
    "permission:/dev/gpiochip0",
    ["sudo usermod -aG gpio imud", "sudo systemctl restart imud"],
    true,
  ],
  ["module:onoff", "missing", "module:onoff", ["npm install onoff@6.0.3"], true],
  ["device:i2c:1:0x76", "ok", "device:i2c:1:0x76", ["i2cdetect -y 1"], false],
  ["clock:trusted", "missing", "clock:trusted", ["sudo timedatectl set-ntp true"], true],
  ["binding:temperature", "missing", "binding:temperature", [], false],
  ["output:fan", "missing", "output:fan", [], false],
];

describe("missing resources", () => {
  it.each(table)("asks for %s (%s)", (need, node, resource, commands, requiresConsent) => {
    const verdict = resourceRequirement(need, { board, user: "imud", node });

    expect(verdict).toMatchObject({ kind: "missing", requirement: { resource, commands, requiresConsent } });
  });

  it("tells busy from missing and a lost device from one that never was", () => {
    const context = { board, user: "imud" };

    expect(resourceRequirement("serial:ttyAMA0", { ...context, node: "EBUSY" })).toMatchObject({
      kind: "refused",
      refusal: { code: "target_busy", status: 409 },
    });
    expect(
      resourceRequirement("device:i2c:1:0x76", { ...context, node: "ok", answeredSinceBoot: true }),
    ).toMatchObject({ kind: "refused", refusal: { code: "io_error", status: 500 } });
    expect(resourceRequirement("bus:i2c:1", { ...context, node: "ok" })).toEqual({ kind: "present" });
  });
});

describe("pinned native modules", () => {
  it("are the ones the package declares", () => {
    const manifest: { optionalDependencies: unknown } = createRequire(import.meta.url)("../../package.json");

    expect(MODULE_VERSIONS).toEqual(manifest.optionalDependencies);
  });
});

describe("board data", () => {
  it.each(boards.map((entry) => [entry.id, entry] as const))("of %s is consistent", (_id, entry) => {
    const pins = entry.lines.map((line) => line.headerPin);

    expect(new Set(pins).size).toBe(28);
    for (const line of entry.lines) {
      const chip = entry.chips.find((other) => other.name === line.chip);
      expect(line.line).toBeLessThan(chip?.lines ?? 0);
    }
    expect(findBoard(entry.id)).toBe(entry);
  });

  it("is found by the model text of the device tree", () => {
    expect(boardOfModel("Raspberry Pi 5 Model B Rev 1.0")?.chips[0]?.label).toBe("pinctrl-rp1");
    expect(boardOfModel("Raspberry Pi Zero 2 W Rev 1.0")?.id).toBe("raspberry-pi-zero-2-w");
    expect(boardOfModel("Another Board")).toBeNull();
  });

  it("is compared with the system without opening a bus", async () => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58).file("/dev/i2c-1").file("/dev/spidev0.0");
    const system = systemAccess(tree.root);

    const seen = await inspectBoard(board, {
      gpioChips: () => listKernelChips(system),
      nodeState: (path) => system.nodeState(path),
    });

    expect(seen.chips).toEqual([{ name: "gpiochip0", label: "pinctrl-bcm2711", base: 512, lines: 58 }]);
    expect(seen.buses.find((bus) => bus.resource === "bus:i2c:1")?.state).toBe("ok");
    expect(seen.missing.map((requirement) => requirement.resource)).toEqual([
      "bus:spi:0.1",
      "serial:ttyAMA0",
      "serial:ttyS0",
      "serial:serial0",
    ]);
  });
});
