/** Nets that nobody drives: allowed, since real boards have them, and yet probably not meant (simulator.md 13). */
import type { BoardDefinition } from "../../boards/index.ts";
import { lineUri } from "./boards.ts";
import { modelOf } from "./models.ts";
import type { DeviceGroup } from "./types.ts";

/** Reads noise: what, and the JSON pointer below the group. */
export interface FloatingNet {
  readonly path: string;
  readonly why: string;
}

function floatingLine(
  uri: string,
  bias: string | undefined,
  group: DeviceGroup,
  board: BoardDefinition,
): string | null {
  if (!uri.startsWith("gpio://") || (bias ?? "none") !== "none") return null;
  const wire = group.wiring.find(({ place }) => place.bus === "gpio" && lineUri(board, place.line) === uri);
  if (!wire) return `nothing is wired to ${uri}, and it has no pull`;
  // A contact to ground leaves its net to the pull while it is open.
  const pulled = wire.options.pull !== undefined && wire.options.pull !== "none";
  const open = modelOf(wire.model)?.line === "in" && !pulled;
  return open ? `${uri} floats while the ${wire.model} is open: it has no pull` : null;
}

/** A channel that is read and that no wire reaches, while its part is there. */
function floatingChannel(uri: string, group: DeviceGroup): string | null {
  const channel = uri.slice(uri.lastIndexOf("/") + 1);
  const device = uri
    .slice(0, uri.lastIndexOf("/"))
    .replace("://", "-")
    .replace(/^(i2c-\d+)\/(0x..)$/, "$1/$2");
  const wire = group.wiring.find(({ target }) => target === device);
  const model = wire && modelOf(wire.model);
  // Other parts measure something by themselves.
  if (!wire || !model || (model.driver !== "ads1115" && model.driver !== "mcp3008")) return null;
  const name = Object.keys(model.reads).find((one) => model.reads[one]?.channel === channel);
  return name !== undefined && wire.reads[name] === undefined
    ? `${channel} of the ${wire.model} is read and not connected`
    : null;
}

export function floatingNets(group: DeviceGroup, board: BoardDefinition): readonly FloatingNet[] {
  const lines = group.lines.map(({ uri, bias }, index) => ({
    path: `lines/${index}`,
    why: floatingLine(uri, bias, group, board),
  }));
  const sensors = group.sensors.map(({ uri, bias, driver }, index) => ({
    path: `sensors/${index}`,
    why: driver === "switch" ? floatingLine(uri, bias, group, board) : floatingChannel(uri, group),
  }));
  return [...lines, ...sensors].flatMap(({ path, why }) => (why === null ? [] : [{ path, why }]));
}
