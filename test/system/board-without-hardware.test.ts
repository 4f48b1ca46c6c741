import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { Daemon, TemporaryFolder } from "../support/daemon.ts";
import { atRest, deviceFolder } from "./device-folder.ts";

/** What the greenhouse needs on a Raspberry Pi 4, and exactly what to do about each missing part. */
const REMEDIES: Readonly<Record<string, JsonObject>> = {
  "bus:i2c:1": {
    why: "/dev/i2c-1 was looked for and does not exist.",
    howTo:
      "Enable the I2C controller (dtparam=i2c_arm=on in /boot/firmware/config.txt), then reboot the board.",
    commands: ["sudo raspi-config nonint do_i2c 0"],
    requiresConsent: true,
  },
  "bus:spi:0.0": {
    why: "/dev/spidev0.0 was looked for and does not exist.",
    howTo: "Enable the SPI controller (dtparam=spi=on in /boot/firmware/config.txt), then reboot the board.",
    commands: ["sudo raspi-config nonint do_spi 0"],
    requiresConsent: true,
  },
  "serial:ttyAMA0": {
    why: "/dev/ttyAMA0 was looked for and does not exist.",
    howTo: "Enable the UART (enable_uart=1) and take the login console off it, then reboot the board.",
    requiresConsent: true,
  },
  "gpio:gpiochip0": {
    howTo:
      "The kernel offers no GPIO controller labelled pinctrl-bcm2711; check the board data (raspberry-pi-4).",
    commands: [],
  },
};

const NODES = ["/dev/i2c-1", "/dev/spidev0.0", "/dev/ttyAMA0", "/dev/gpiochip0"];

const alertsIn = (status: Json): readonly JsonObject[] =>
  isJsonObject(status) && Array.isArray(status.alerts) ? status.alerts.filter(isJsonObject) : [];
const detailsOf = (alert: JsonObject): JsonObject =>
  isJsonObject(alert.details ?? null) ? (alert.details as JsonObject) : {};

describe.skipIf(NODES.some((node) => existsSync(node)))(
  "board: raspberry-pi-4 on a machine without its hardware",
  () => {
    test("names the exact remedy of every missing bus, drives nothing and simulates nothing", async () => {
      await using folder = await TemporaryFolder.create();
      await deviceFolder(folder.path, { board: "raspberry-pi-4" });
      await using daemon = await Daemon.start(folder.path);

      const climate = await daemon.ask("run.start", { program: "climate" });
      const irrigation = await daemon.ask("run.start", { program: "irrigation" });
      const status = await daemon.ask("status");
      const ended = await daemon.end("SIGTERM");

      expect(climate).toMatchObject({
        ok: false,
        status: 428,
        reason: "resource_required",
        safeStates: ["fan", "telemetry_air"],
      });
      expect(irrigation).toMatchObject({ refusals: 2 });
      expect(status).toMatchObject({ board: "raspberry-pi-4", simulated: false, state: "binding" });
      const { report, entries } = await atRest(folder.path);
      const recorded = entries.filter(({ entry }) => entry.event.kind === "alert");
      for (const [resource, remedy] of Object.entries(REMEDIES)) {
        const shown = alertsIn(status)
          .filter((alert) => alert.code === "resource_required")
          .map(detailsOf);
        expect(shown).toContainEqual(expect.objectContaining({ resource, ...remedy }));
        expect(recorded.map(({ entry }) => entry.event.data.details)).toContainEqual(
          expect.objectContaining({ resource, ...remedy }),
        );
      }
      expect(report.ok).toBe(true);
      expect(entries.some(({ entry }) => entry.event.sim === true)).toBe(false);
      expect(daemon.out).not.toMatch(/simulat/i);
      expect(ended.code).toBe(0);
    });

    test("switches nothing, because an output whose safe state cannot be driven keeps the board from being locked", async () => {
      await using folder = await TemporaryFolder.create();
      await deviceFolder(folder.path, { board: "raspberry-pi-4" });
      await using daemon = await Daemon.start(folder.path);

      const run = await daemon.ask("run.start", { program: "irrigation" });
      const shown = await daemon.ask("run.show", { runId: isJsonObject(run) ? (run.runId ?? null) : null });
      const status = await daemon.ask("status");
      await daemon.end("SIGTERM");

      const record = isJsonObject(shown) && isJsonObject(shown.run ?? null) ? (shown.run as JsonObject) : {};
      const calls = Array.isArray(record.journal) ? record.journal.filter(isJsonObject) : [];
      expect(
        calls.map(({ capability, ok, error }) => [
          capability,
          ok,
          isJsonObject(error ?? null) ? (error as JsonObject).code : null,
        ]),
      ).toEqual([
        ["sensor.read", false, "resource_required"],
        ["gpio.write", false, "boot_not_locked"],
      ]);
      const failed = alertsIn(status)
        .filter(({ code }) => code === "safe_state_failed")
        .map(detailsOf);
      expect(failed.map(({ output }) => output).sort()).toEqual(["fan", "pump"]);
    });
  },
);
