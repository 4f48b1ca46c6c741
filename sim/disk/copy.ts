/** A plain copy of its own; `slice` of a Buffer would be a view of the same bytes. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
