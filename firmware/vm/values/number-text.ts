/** Numbers as text and back (vm.md 4, TO_STR and TO_NUM), without anything an engine may round differently. */

/** x as an exact fraction: mantissa · 2^exponent. */
function decompose(x: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const raw = view.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

/** Fixed digits, rounded half to even on the exact binary value; |x| < 1e15, no minus on zero. */
export function toFixedHalfEven(x: number, digits: number): string {
  const { mantissa, exponent } = decompose(Math.abs(x));
  const scaled = mantissa * 10n ** BigInt(digits);
  let rounded: bigint;
  if (exponent >= 0) rounded = scaled << BigInt(exponent);
  else {
    const divisor = 1n << BigInt(-exponent);
    const rest = scaled % divisor;
    rounded = scaled / divisor;
    if (rest * 2n > divisor || (rest * 2n === divisor && rounded % 2n === 1n)) rounded += 1n;
  }
  const text = rounded.toString().padStart(digits + 1, "0");
  const sign = x < 0 && rounded !== 0n ? "-" : "";
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const NUMBER = /^ *[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)? *$/;

/** Text of an instrument to a number, null if it is none (`bad_number`). At most 64 characters. */
export function parseNumber(text: string): number | null {
  if (text.length > 64 || !NUMBER.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value + 0 : null;
}
