/** Register numbers of the MCP23017 with IOCON.BANK = 0 (Microchip DS20001952, table 3-3); port B follows port A. */
export const MCP23017_REGISTERS = [
  "IODIRA",
  "IODIRB",
  "IPOLA",
  "IPOLB",
  "GPINTENA",
  "GPINTENB",
  "DEFVALA",
  "DEFVALB",
  "INTCONA",
  "INTCONB",
  "IOCON",
  "IOCONB",
  "GPPUA",
  "GPPUB",
  "INTFA",
  "INTFB",
  "INTCAPA",
  "INTCAPB",
  "GPIOA",
  "GPIOB",
  "OLATA",
  "OLATB",
] as const;

export const IODIR = 0x00;
export const IPOL = 0x02;
export const GPINTEN = 0x04;
export const DEFVAL = 0x06;
export const INTCON = 0x08;
export const IOCON = 0x0a;
export const GPPU = 0x0c;
export const INTF = 0x0e;
export const INTCAP = 0x10;
export const GPIO = 0x12;
export const OLAT = 0x14;
export const REGISTER_COUNT = 0x16;

export const IOCON_BANK = 0x80;
export const IOCON_MIRROR = 0x40;
export const IOCON_SEQOP = 0x20;
export const IOCON_ODR = 0x04;
export const IOCON_INTPOL = 0x02;

/** After power-on: every pin is an input, everything else is 0 (table 3-1 ff.). */
export function mcp23017ResetRegisters(): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  registers[IODIR] = 0xff;
  registers[IODIR + 1] = 0xff;
  return registers;
}

export interface Mcp23017Port {
  readonly direction: number;
  readonly polarity: number;
  readonly latch: number;
  readonly pins: number;
}

/** The GPIO register of a port: inputs from the pins, inverted where IPOL says so, outputs from the latch. */
export const mcp23017Gpio = ({ direction, polarity, latch, pins }: Mcp23017Port): number =>
  ((pins ^ polarity) & direction & 0xff) | (latch & ~direction & 0xff);

/** The bank 0 register number of an address in either layout, null where nothing is. */
export function registerAt(address: number, iocon: number): number | null {
  if ((iocon & IOCON_BANK) === 0) return address < REGISTER_COUNT ? address : null;
  const register = (address & 0x0f) * 2 + ((address >> 4) & 1);
  return address < 0x20 && register < REGISTER_COUNT ? register : null;
}

/** The address after this one: the next in sequence, or with SEQOP the other port's (bank 0) or the same (bank 1). */
export function addressAfter(address: number, iocon: number): number {
  if (iocon & IOCON_BANK) return iocon & IOCON_SEQOP ? address : (address + 1) % 0x1b;
  return iocon & IOCON_SEQOP ? address ^ 1 : (address + 1) % REGISTER_COUNT;
}
