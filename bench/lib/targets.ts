/** What the product promises, judged by the figures of one run. */

export interface Target {
  readonly name: string;
  /** null: not measured, for the reason given; then it is not met. */
  readonly value: number | null;
  readonly compare: ">=" | "<=";
  readonly target: number;
  readonly unit: string;
  readonly pass: boolean;
  readonly reason?: string;
}

interface Judged {
  readonly name: string;
  readonly value: number | null | undefined;
  readonly unit: string;
  /** Why there is no value. */
  readonly reason?: string | undefined;
}

function judge(judged: Judged, compare: Target["compare"], target: number): Target {
  const { name, unit } = judged;
  const value = judged.value ?? null;
  if (value === null) {
    return { name, value, compare, target, unit, pass: false, reason: judged.reason ?? "not measured" };
  }
  return { name, value, compare, target, unit, pass: compare === ">=" ? value >= target : value <= target };
}

export const atLeast = (target: number, judged: Judged): Target => judge(judged, ">=", target);
export const atMost = (target: number, judged: Judged): Target => judge(judged, "<=", target);

/** How far two positive amounts lie apart, whichever is larger: 1 is equal, 2 is twice or half. */
export const factorBetween = (a: number, b: number): number =>
  a > 0 && b > 0 ? Math.max(a / b, b / a) : Number.POSITIVE_INFINITY;

export const ratio = (a: number | undefined, b: number | undefined): number | null =>
  a === undefined || b === undefined || b === 0 ? null : a / b;
