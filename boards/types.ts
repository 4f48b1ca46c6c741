/** What a board is, as data: chips by label, header lines, buses, remedies. Nothing here touches hardware. */
export interface BoardChip {
  /** Name used in URIs and policies, for example `gpiochip0`. Stable for this board whatever the kernel calls it. */
  readonly name: string;
  /** Label the kernel gives the controller; the only stable key to find it (numbers changed between kernels). */
  readonly label: string;
  readonly lines: number;
}

export type Pull = "up" | "down" | "none";

export interface BoardLine {
  readonly chip: string;
  readonly line: number;
  /** Name in the device tree, for example `GPIO17`. */
  readonly name: string;
  /** Position on the 40-pin header. */
  readonly headerPin: number;
  /** State from power on until somebody claims the line. */
  readonly reset: { readonly direction: "in"; readonly pull: Pull };
  /** What else the line is used for when the bus is enabled. */
  readonly alternate?: string;
}

export interface BoardI2c {
  readonly bus: number;
  readonly node: string;
  readonly defaultHz: number;
}

export interface BoardSpi {
  readonly bus: number;
  readonly chipSelect: number;
  readonly node: string;
}

export interface BoardSerial {
  readonly port: string;
  readonly node: string;
}

/** How a person supplies a missing resource on this board; the daemon never runs the commands. */
export interface Remedy {
  readonly howTo: string;
  readonly commands: readonly string[];
}

export interface BoardRemedies {
  readonly i2c: Remedy;
  readonly spi: Remedy;
  readonly serial: Remedy;
  /** Groups that own the device nodes. */
  readonly groups: {
    readonly gpio: string;
    readonly i2c: string;
    readonly spi: string;
    readonly serial: string;
  };
}

export interface BoardPower {
  readonly supplyVolts: number;
  readonly recommendedSupplyAmps: number;
  readonly idleWatts: number;
  readonly busyWatts: number;
  readonly maxLineMilliamps: number;
  readonly maxAllLinesMilliamps: number;
}

export interface BoardDefinition {
  readonly id: string;
  readonly title: string;
  readonly chips: readonly BoardChip[];
  readonly lines: readonly BoardLine[];
  /** Lines a program may not have: the board needs them itself. */
  readonly reserved: readonly { readonly chip: string; readonly line: number; readonly why: string }[];
  readonly i2c: readonly BoardI2c[];
  readonly spi: readonly BoardSpi[];
  readonly serial: readonly BoardSerial[];
  readonly remedies: BoardRemedies;
  readonly power: BoardPower;
}
