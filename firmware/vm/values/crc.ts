/** Cyclic redundancy checks of vm.md 4.1, bit by bit, in the parameters of the Rocksoft model. */
export interface CrcParams {
  /** 1–32 bits. */
  readonly width: number;
  readonly poly: number;
  readonly init: number;
  readonly refin: boolean;
  readonly refout: boolean;
  readonly xorout: number;
}

const crc = (width: number, poly: number, init: number, reflected: boolean, xorout: number): CrcParams => ({
  width,
  poly,
  init,
  refin: reflected,
  refout: reflected,
  xorout,
});

export const CRC_PRESETS: ReadonlyMap<string, CrcParams> = new Map([
  ["crc8-smbus", crc(8, 0x07, 0, false, 0)],
  ["crc8-maxim", crc(8, 0x31, 0, true, 0)],
  ["crc8-sensirion", crc(8, 0x31, 0xff, false, 0)],
  ["crc16-modbus", crc(16, 0x8005, 0xffff, true, 0)],
  ["crc16-ccitt-false", crc(16, 0x1021, 0xffff, false, 0)],
  ["crc16-xmodem", crc(16, 0x1021, 0, false, 0)],
  ["crc32", crc(32, 0x04c11db7, 0xffffffff, true, 0xffffffff)],
]);

function reflect(value: number, width: number): number {
  let out = 0;
  for (let i = 0; i < width; i++) if ((value >>> i) & 1) out |= 1 << (width - 1 - i);
  return out >>> 0;
}

/** The register is kept left-aligned in 32 bits, so that one loop serves every width. */
export function crcOf(bytes: Uint8Array, params: CrcParams): number {
  const shift = 32 - params.width;
  const poly = params.poly << shift;
  let register = params.init << shift;
  for (const byte of bytes) {
    register ^= (params.refin ? reflect(byte, 8) : byte) << 24;
    for (let bit = 0; bit < 8; bit++) register = register < 0 ? (register << 1) ^ poly : register << 1;
  }
  const aligned = register >>> shift;
  return ((params.refout ? reflect(aligned, params.width) : aligned) ^ params.xorout) >>> 0;
}

/** Six members, each within the width; null for anything else (`bad_field`). */
export function readCrcParams(value: unknown): CrcParams | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { width, poly, init, refin, refout, xorout } = value as Record<string, unknown>;
  if (Object.keys(value).length !== 6 || typeof refin !== "boolean" || typeof refout !== "boolean")
    return null;
  if (typeof width !== "number" || !Number.isInteger(width) || width < 1 || width > 32) return null;
  const fits = (n: unknown): n is number =>
    typeof n === "number" && Number.isInteger(n) && n >= 0 && n < 2 ** width;
  if (!fits(poly) || !fits(init) || !fits(xorout)) return null;
  return { width, poly, init, refin, refout, xorout };
}
