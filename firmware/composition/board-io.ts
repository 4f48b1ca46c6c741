/** The board behind the daemon: real buses or, only when the configuration says `board: sim`, the simulated greenhouse. */
import { findBoard, MODULE_VERSIONS, resourceRequirement } from "../../boards/index.ts";
import { type ChannelConfig, SensorRegistry } from "../../drivers/index.ts";
import { LinuxHardware, loadNativeModule, systemAccess } from "../../drivers/providers/index.ts";
import { createGreenhouseBoard, type GreenhouseBoard } from "../../sim/index.ts";
import type { ChannelDirectory, SensorPort } from "../capabilities/index.ts";
import { CodedError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { Config } from "./config-schema.ts";
import { SharedInputs } from "./shared-inputs.ts";

export interface BoardIo {
  readonly hardware: Hardware;
  readonly channels: ChannelDirectory;
  readonly sensors: SensorPort;
  /** The world of the simulated board; null on a real one. */
  readonly greenhouse: GreenhouseBoard | null;
  close(): Promise<void>;
}

const DEFAULT_SERIAL = { baudRate: 9600, parity: "none", stopBits: 1 } as const;
const DEFAULT_SPI = { mode: 0, speedHz: 1_000_000, bitsPerWord: 8 } as const;

function openHardware(
  config: Config,
  clock: Clock,
  entropy: Entropy,
  user: string,
): { readonly hardware: Hardware; readonly greenhouse: GreenhouseBoard | null } {
  const board = findBoard(config.board);
  if (!board) {
    throw new CodedError(
      "unknown_board",
      `There is no board "${config.board}". Remedy: imuctl board list shows the known ones.`,
      { status: 422 },
    );
  }
  if (board.id === "sim") {
    const greenhouse = createGreenhouseBoard({
      clock,
      entropy,
      ...(config.sim ? { seed: config.sim.seed } : {}),
    });
    return { hardware: greenhouse.hardware, greenhouse };
  }
  const hardware = new LinuxHardware({
    board,
    clock,
    system: systemAccess(),
    loadModule: loadNativeModule,
    requirement: (need, node) => {
      const verdict = resourceRequirement(need, { board, user, node });
      return verdict.kind === "missing" ? verdict.requirement : null;
    },
  });
  return { hardware, greenhouse: null };
}

/** Channel data of lines and ports as the configuration states it, over what the board has. */
function channelDirectory(config: Config): ChannelDirectory {
  const board = findBoard(config.board);
  const lines = new Map(config.lines.map((line) => [line.uri, line]));
  const uris = config.sensors.map(({ uri }) => uri);
  return {
    gpio: (chip, line) => {
      const known = board?.lines.some((one) => one.chip === chip && one.line === line) ?? false;
      if (!known) return null;
      const { activeLow = false, bias = "none" } = lines.get(`gpio://${chip}/${line}`) ?? {};
      return { activeLow, bias };
    },
    i2c: (bus, address) => {
      if (!board?.i2c.some((one) => one.bus === bus)) return null;
      const prefix = `i2c://${bus}/0x${address.toString(16).padStart(2, "0")}`;
      return { known: uris.some((uri) => uri === prefix || uri.startsWith(`${prefix}/`)) };
    },
    spi: (bus, chipSelect) =>
      board?.spi.some((one) => one.bus === bus && one.chipSelect === chipSelect)
        ? { options: DEFAULT_SPI, requestFrames: [] }
        : null,
    serial: (port) => {
      if (!board?.serial.some((one) => one.port === port)) return null;
      const sensor = config.sensors.find(({ uri }) => uri.startsWith(`serial://${port}/`));
      return { ...DEFAULT_SERIAL, baudRate: sensor?.baudRate ?? DEFAULT_SERIAL.baudRate };
    },
  };
}

/** Opens nothing yet: buses, lines and native modules are opened at their first use. @throws CodedError `unknown_board`. */
export function openBoard(
  config: Config,
  parts: { readonly clock: Clock; readonly entropy: Entropy; readonly user: string },
): BoardIo {
  const { hardware: raw, greenhouse } = openHardware(config, parts.clock, parts.entropy, parts.user);
  const hardware = new SharedInputs(raw);
  const registry = new SensorRegistry({ hardware, clock: parts.clock });
  const sensors = new Map(
    config.sensors.map((sensor) => [
      sensor.uri,
      { config: sensor as ChannelConfig, driver: registry.openSensor(sensor.uri, sensor) },
    ]),
  );
  return {
    hardware,
    greenhouse,
    channels: channelDirectory(config),
    sensors: {
      read: async (uri, signal) => {
        const sensor = sensors.get(uri);
        if (!sensor) {
          throw new CodedError("sensor_fault", `No sensor is configured for ${uri}.`, {
            details: { source: uri, why: "not configured" },
          });
        }
        const { value, unit, raw: code, quality } = await sensor.driver.read(sensor.config, signal);
        return { value, unit, quality, ...(code === undefined ? {} : { raw: code }) };
      },
    },
    close: async () => {
      await registry[Symbol.asyncDispose]();
      await hardware[Symbol.asyncDispose]();
    },
  };
}

/** Versions of the optional native modules, for `imuctl board show`. */
export { MODULE_VERSIONS };
