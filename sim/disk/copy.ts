import { put, type StoreOp } from "../../firmware/ports/store.ts";

/** A plain copy of its own; `slice` of a Buffer would be a view of the same bytes. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Larger values get memory of their own, so that they do not keep that of others when they stay alone. */
const SHARED_BYTES = 4096;

/**
 * A batch with copies of its values. The small ones of a batch share one piece of memory: they are written together, and
 * an array of its own costs more than most of them are long.
 */
export function copyOfBatch(ops: readonly StoreOp[]): readonly StoreOp[] {
  let bytes = 0;
  for (const op of ops) if (op.type === "put" && op.value.length <= SHARED_BYTES) bytes += op.value.length;
  const shared = new Uint8Array(bytes);
  let at = 0;
  return ops.map((op) => {
    if (op.type !== "put") return op;
    if (op.value.length > SHARED_BYTES) return put(op.sub, op.key, copyOf(op.value));
    const value = shared.subarray(at, at + op.value.length);
    value.set(op.value);
    at += op.value.length;
    return put(op.sub, op.key, value);
  });
}
