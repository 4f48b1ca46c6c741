import type { BoardDefinition } from "../../boards/index.ts";
import type { ScenarioModel } from "./models.ts";
import type { RawWire } from "./raw-scenario.ts";
import type { Reader } from "./reader.ts";
import type { Place } from "./types.ts";

const MEMBERS = {
  gpio: ["line"],
  i2c: ["bus", "address"],
  spi: ["spi"],
  serial: ["serial"],
} as const satisfies Readonly<Record<Place["bus"], readonly (keyof RawWire)[]>>;

const hex = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/** How faults and URIs name a place. */
export function targetOf(place: Place): string {
  switch (place.bus) {
    case "gpio":
      return `gpio-${place.line}`;
    case "i2c":
      return `i2c-${place.number}/${hex(place.address)}`;
    case "spi":
      return `spi-${place.select}`;
    case "serial":
      return place.address === null ? `serial-${place.port}` : `serial-${place.port}/${place.address}`;
  }
}

function checkMembers(raw: RawWire, model: ScenarioModel, path: string, reader: Reader): void {
  const wanted: readonly (keyof RawWire)[] = [
    ...MEMBERS[model.bus],
    ...(model.multidrop ? ["address" as const] : []),
  ];
  for (const member of wanted)
    if (raw[member] === undefined) reader.refuse(path, `a ${raw.model} needs "${member}"`);
  for (const member of ["line", "bus", "address", "spi", "serial"] as const)
    if (raw[member] !== undefined && !wanted.includes(member))
      reader.refuse(`${path}/${member}`, `a ${raw.model} is wired by ${wanted.join(" and ")}`);
}

function readLine(line: number, path: string, board: BoardDefinition, reader: Reader): Place {
  const chip = board.chips[0]?.name;
  const reserved = board.reserved.find((one) => one.chip === chip && one.line === line);
  if (reserved) reader.refuse(path, `line ${line} is the board's own: ${reserved.why}`);
  if (!board.lines.some((one) => one.chip === chip && one.line === line))
    reader.refuse(path, `the ${board.title} has no line ${line}`);
  return { bus: "gpio", line };
}

function readI2c(
  raw: RawWire,
  model: ScenarioModel,
  path: string,
  board: BoardDefinition,
  reader: Reader,
): Place {
  const number = Number((raw.bus ?? "").slice("i2c-".length));
  if (!board.i2c.some(({ bus }) => bus === number))
    reader.refuse(`${path}/bus`, `the ${board.title} has no bus ${raw.bus}`);
  const address = Number(raw.address);
  if (!model.addresses?.includes(address))
    reader.refuse(`${path}/address`, `a ${raw.model} has ${(model.addresses ?? []).map(hex).join(", ")}`);
  return { bus: "i2c", number, address };
}

/** Where a part is connected. @throws ScenarioError for members that do not fit, and what the board does not have. */
export function readPlace(
  raw: RawWire,
  model: ScenarioModel,
  path: string,
  board: BoardDefinition,
  reader: Reader,
): Place {
  checkMembers(raw, model, path, reader);
  if (model.bus === "gpio") return readLine(raw.line ?? 0, `${path}/line`, board, reader);
  if (model.bus === "i2c") return readI2c(raw, model, path, board, reader);
  if (model.bus === "spi") {
    const select = raw.spi ?? "";
    if (!board.spi.some(({ bus, chipSelect }) => `${bus}.${chipSelect}` === select))
      reader.refuse(`${path}/spi`, `the ${board.title} has no chip select ${select}`);
    return { bus: "spi", select };
  }
  const port = raw.serial ?? "";
  if (!board.serial.some((one) => one.port === port))
    reader.refuse(`${path}/serial`, `the ${board.title} has no port ${port}`);
  return { bus: "serial", port, address: model.multidrop ? Number(raw.address) : null };
}
