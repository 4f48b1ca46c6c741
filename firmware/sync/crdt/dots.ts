/** Causal contexts: which writes (dots `replica:n`) a replica has seen (sync.md 2). */
export interface Context {
  /** Per replica, every dot up to n has been seen. */
  readonly vv: { readonly [replica: string]: number };
  /** Seen dots beyond the gapless prefix, sorted. */
  readonly cloud: readonly string[];
}

export const EMPTY_CONTEXT: Context = { vv: {}, cloud: [] };

export interface Dot {
  readonly replica: string;
  readonly n: number;
}

/** Null when the text is not `replica:n` with n >= 1. */
export function parseDot(dot: string): Dot | null {
  const match = /^([a-z0-9-]{1,40}\.[a-z0-9]{1,12}):([1-9][0-9]{0,15})$/.exec(dot);
  const n = Number(match?.[2]);
  return match?.[1] !== undefined && Number.isSafeInteger(n) ? { replica: match[1], n } : null;
}

/** A membership test that costs one lookup per dot. */
export function contextHas(ctx: Context): (dot: string) => boolean {
  const cloud = new Set(ctx.cloud);
  return (dot) => {
    const parsed = parseDot(dot);
    return cloud.has(dot) || (parsed !== null && parsed.n <= (ctx.vv[parsed.replica] ?? 0));
  };
}

/** Moves every cloud dot that continues its replica's prefix into it and drops what the prefix covers. */
export function compactContext(ctx: Context): Context {
  const vv = new Map(Object.entries(ctx.vv));
  const rest: string[] = [];
  const dots = [...new Set(ctx.cloud)].map((text) => ({ text, dot: parseDot(text) }));
  dots.sort((a, b) => (a.dot?.n ?? 0) - (b.dot?.n ?? 0));
  for (const { text, dot } of dots) {
    if (dot === null) continue;
    const seen = vv.get(dot.replica) ?? 0;
    if (dot.n === seen + 1) vv.set(dot.replica, dot.n);
    else if (dot.n > seen) rest.push(text);
  }
  return { vv: Object.fromEntries(vv), cloud: rest.sort() };
}

export function joinContexts(a: Context, b: Context): Context {
  const vv = new Map(Object.entries(a.vv));
  for (const [replica, n] of Object.entries(b.vv)) vv.set(replica, Math.max(vv.get(replica) ?? 0, n));
  return compactContext({ vv: Object.fromEntries(vv), cloud: [...a.cloud, ...b.cloud] });
}

/** The number of the next own dot: one more than any the context has seen of this replica. */
export function nextDotNumber(ctx: Context, replica: string): number {
  let n = ctx.vv[replica] ?? 0;
  for (const text of ctx.cloud) {
    const dot = parseDot(text);
    if (dot?.replica === replica) n = Math.max(n, dot.n);
  }
  return n + 1;
}

/** Keeps a dot if both sides hold it, or one holds it and the other has not seen it. */
export function joinDots(
  mine: Iterable<string>,
  theirs: Iterable<string>,
  seenByMe: (dot: string) => boolean,
  seenByThem: (dot: string) => boolean,
): string[] {
  const left = new Set(mine);
  const right = new Set(theirs);
  const kept = [...left].filter((dot) => right.has(dot) || !seenByThem(dot));
  for (const dot of right) if (!left.has(dot) && !seenByMe(dot)) kept.push(dot);
  return kept.sort();
}
