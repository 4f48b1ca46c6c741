/** The board behind the daemon: its lines and buses as channels, its sensors as sources. */
import { type BoardDefinition, findBoard, MODULE_VERSIONS } from "../../boards/index.ts";
import { type ChannelConfig, SensorRegistry } from "../../drivers/index.ts";
import type { GreenhouseBoard } from "../../sim/index.ts";
import type { ChannelDirectory, SensorPort } from "../capabilities/index.ts";
import { CodedError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { Config } from "./config-schema.ts";
import type { Platform } from "./platform.ts";
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

function boardOf(config: Config): BoardDefinition {
  const board = findBoard(config.board);
  if (board) return board;
  throw new CodedError(
    "unknown_board",
    `There is no board "${config.board}". Remedy: imuctl board list shows the known ones.`,
    { status: 422 },
  );
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
export function openBoard(config: Config, platform: Platform, clock: Clock): BoardIo {
  const { hardware: raw, greenhouse } = platform.openHardware(boardOf(config), config, clock);
  const hardware = new SharedInputs(raw);
  const registry = new SensorRegistry({ hardware, clock });
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
