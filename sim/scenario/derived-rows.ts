/** What imud.yaml says about parts that are wired, if the scenario does not say it: sensor channels and lines. */
import type { BoardDefinition } from "../../boards/index.ts";
import { lineUri } from "./boards.ts";
import { modelOf } from "./models.ts";
import type { LineRow, SensorRow, Wire } from "./types.ts";

const DEBOUNCE_MS = 20;

/** `i2c://1/0x44`, `spi://0.0`, `serial://ttyAMA0`: what stands before the channel. */
function deviceUri({ place }: Wire): string | null {
  if (place.bus === "i2c") return `i2c://${place.number}/0x${place.address.toString(16).padStart(2, "0")}`;
  if (place.bus === "spi") return `spi://${place.select}`;
  return place.bus === "serial" ? `serial://${place.port}` : null;
}

/** One row for each channel that is connected, or that the part measures by itself, as a receiver does. */
export function sensorRows(wires: readonly Wire[]): readonly SensorRow[] {
  return wires.flatMap((wire): readonly SensorRow[] => {
    const model = modelOf(wire.model);
    const uri = deviceUri(wire);
    if (!model?.driver || uri === null) return [];
    const { driver } = model;
    const { vref, baudRate } = wire.options;
    const rest = {
      ...(typeof vref === "number" ? { vref } : {}),
      ...(typeof baudRate === "number" ? { baudRate } : {}),
    };
    return Object.entries(model.reads).flatMap(([name, { channel }]) =>
      channel !== null && (driver === "nmea" || wire.reads[name] !== undefined)
        ? [{ uri: `${uri}/${channel}`, driver, ...rest }]
        : [],
    );
  });
}

/** Contacts are pulled up and debounced; a module that switches on at level 0 is active low. */
export function lineRows(wires: readonly Wire[], board: BoardDefinition): readonly LineRow[] {
  return wires.flatMap((wire): readonly LineRow[] => {
    const model = modelOf(wire.model);
    if (wire.place.bus !== "gpio" || !model) return [];
    const uri = lineUri(board, wire.place.line);
    const { activeLow } = wire;
    if (model.line === "out") return [{ uri, activeLow, bias: "none", debounceMs: 0 }];
    return [{ uri, activeLow, bias: "pull-up", debounceMs: DEBOUNCE_MS }];
  });
}
