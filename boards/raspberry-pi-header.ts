import type { BoardLine, Pull } from "./types.ts";

/** [line, header pin, alternate use]: the 28 GPIOs of the 40-pin header, the same on every board that has it. */
const HEADER: readonly (readonly [line: number, pin: number, alternate?: string])[] = [
  [0, 27, "ID_SD"],
  [1, 28, "ID_SC"],
  [2, 3, "SDA1"],
  [3, 5, "SCL1"],
  [4, 7, "GPCLK0"],
  [5, 29],
  [6, 31],
  [7, 26, "SPI0_CE1"],
  [8, 24, "SPI0_CE0"],
  [9, 21, "SPI0_MISO"],
  [10, 19, "SPI0_MOSI"],
  [11, 23, "SPI0_SCLK"],
  [12, 32, "PWM0"],
  [13, 33, "PWM1"],
  [14, 8, "TXD"],
  [15, 10, "RXD"],
  [16, 36],
  [17, 11],
  [18, 12, "PCM_CLK"],
  [19, 35, "PCM_FS"],
  [20, 38, "PCM_DIN"],
  [21, 40, "PCM_DOUT"],
  [22, 15],
  [23, 16],
  [24, 18],
  [25, 22],
  [26, 37],
  [27, 13],
];

/** Power-on pulls of GPIO 0..27 (BCM2835 ARM Peripherals, table 6-31; RP1 Peripherals, 3.1): 0..8 up, others down. */
const resetPull = (line: number): Pull => (line <= 8 ? "up" : "down");

/** The header lines of a chip whose offsets are the GPIO numbers. */
export function headerLines(chip: string): readonly BoardLine[] {
  return HEADER.map(([line, headerPin, alternate]) => ({
    chip,
    line,
    name: `GPIO${line}`,
    headerPin,
    reset: { direction: "in", pull: resetPull(line) },
    ...(alternate === undefined ? {} : { alternate }),
  }));
}
