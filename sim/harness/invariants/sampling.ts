/** Evenly spread items of a list: always the first and the last, the same ones at every call. */
export function sampled<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  const step = (items.length - 1) / (count - 1);
  const places = Array.from({ length: count }, (_, i) => Math.round(i * step));
  return places.flatMap((place) => items.slice(place, place + 1));
}
