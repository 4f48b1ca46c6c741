import { type BoardDefinition, findBoard } from "../../boards/index.ts";

/** Short names of boards in scenarios (simulator.md 10). */
const SHORT: Readonly<Record<string, string>> = {
  "rpi-zero-2w": "raspberry-pi-zero-2-w",
  "rpi-3b": "raspberry-pi-3",
  "rpi-4b": "raspberry-pi-4",
  "rpi-5": "raspberry-pi-5",
};

/** The board of a name in a scenario, or null. */
export function scenarioBoard(name: string): BoardDefinition | null {
  return findBoard(Object.hasOwn(SHORT, name) ? (SHORT[name] ?? name) : name);
}

/** Which bus a line of the header belongs to as soon as something is wired to that bus; null for a plain line. */
export function busOfAlternate(alternate: string | undefined): RegExp | null {
  if (alternate === undefined) return null;
  if (/^(SDA|SCL)1$/.test(alternate)) return /^i2c-1$/;
  const select = /^SPI0_CE([01])$/.exec(alternate)?.[1];
  if (select !== undefined) return new RegExp(`^spi-0\\.${select}$`);
  if (alternate.startsWith("SPI0_")) return /^spi-0\./;
  return /^(TXD|RXD)$/.test(alternate) ? /^serial-/ : null;
}

/** How URIs of imud name a part: `i2c://1/0x44`, `spi://0.0`, `serial://ttyAMA0`, `gpio://gpiochip0/17`. */
export const lineUri = (board: BoardDefinition, line: number): string =>
  `gpio://${board.chips[0]?.name ?? "gpiochip0"}/${line}`;
