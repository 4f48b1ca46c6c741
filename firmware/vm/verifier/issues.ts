/** Problems the verifier finds, and their order (vm.md 6). */
import { PROGRAM_LIMITS } from "../../core/limits.ts";
export interface Issue {
  readonly code: string;
  /** `document`, `code`, or the path of a SPAWN body: `code/<i>/body`. */
  readonly unit: string;
  /** Place in the unit's list; in the document the member it is about. */
  readonly index: number | string;
}

/** Details list at most this many. */
export const MAX_ISSUES = PROGRAM_LIMITS.issues;

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers inside the path are compared as numbers, so that units stand in document order. */
function compareUnits(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i] ?? "";
    const y = right[i] ?? "";
    const bothNumbers = /^\d+$/.test(x) && /^\d+$/.test(y);
    const order = bothNumbers ? compare(Number(x), Number(y)) : compare(x, y);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Document first, then unit path, index, code; one entry for equal ones, at most 64. */
export function sortIssues(issues: readonly Issue[]): readonly Issue[] {
  const rank = (issue: Issue): number => (issue.unit === "document" ? 0 : 1);
  const sorted = [...issues].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      compareUnits(a.unit, b.unit) ||
      compare(a.index, b.index) ||
      compare(a.code, b.code),
  );
  const same = (a: Issue, b: Issue | undefined): boolean =>
    a.code === b?.code && a.unit === b.unit && a.index === b.index;
  return sorted.filter((issue, i) => !same(issue, sorted[i - 1])).slice(0, MAX_ISSUES);
}
