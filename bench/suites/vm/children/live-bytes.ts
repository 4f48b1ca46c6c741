/** Bytes that are alive: V8's heap and what lies outside of it, after everything dead is collected. */
export function liveBytes(): number {
  if (globalThis.gc === undefined) throw new Error("Needs --expose-gc.");
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
