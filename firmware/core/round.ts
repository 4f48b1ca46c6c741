/**
 * Rounds to the nearest integer, ties to the even neighbour; never −0. The one rounding rule of the project
 * (DESIGN 4). Exact, because x − floor(x) is exact for doubles below 2^52 and integers above it are unchanged.
 */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const fraction = x - floor;
  if (fraction < 0.5) return floor + 0;
  if (fraction > 0.5) return floor + 1 + 0;
  return (floor % 2 === 0 ? floor : floor + 1) + 0;
}
