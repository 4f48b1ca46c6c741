/** Relations between claims, in their order; the first conflict decides (evidence.md 10). */
import type { Json } from "../core/json.ts";
import { type Check, type Failed, failed } from "./check.ts";
import type { Relation } from "./types.ts";

const EPSILON = 1e-9;

const HOLDS: Readonly<Record<string, (a: number, b: number, tol: number) => boolean>> = {
  equal: (a, b, tol) => Math.abs(a - b) <= tol * Math.max(Math.abs(a), Math.abs(b), 1) + EPSILON,
  within: (a, b, tol) => Math.abs(a - b) <= tol * Math.abs(b) + EPSILON,
  leq: (a, b) => a <= b,
  geq: (a, b) => a >= b,
};

type Values = (id: string) => Json | undefined;

function operand(side: string | number, values: Values): Check<{ readonly value: number }> {
  if (typeof side === "number") return { ok: true, value: side };
  const value = values(side);
  if (value === undefined) return failed("relation_claim_missing", { id: side });
  if (typeof value !== "number" || !Number.isFinite(value))
    return failed("relation_not_numeric", { id: side });
  return { ok: true, value };
}

function weightOf(relation: Relation, side: string | number): number {
  const { weights } = relation;
  return weights && Object.hasOwn(weights, String(side)) ? (weights[String(side)] ?? 1) : 1;
}

/** The claim that a dominating, at least equally weighty side overrules; undefined if none does. */
function overruledBy(relation: Relation, wa: number, wb: number): string | undefined {
  if (relation.rel !== "equal" || relation.dominates === undefined) return undefined;
  if ((relation.dominates === "a" || relation.dominates === relation.a) && wa >= wb)
    return String(relation.b);
  if ((relation.dominates === "b" || relation.dominates === relation.b) && wb >= wa)
    return String(relation.a);
  return undefined;
}

function checkOne(relation: Relation, values: Values): Check<{ readonly overruled?: string }> {
  const a = operand(relation.a, values);
  const b = operand(relation.b, values);
  const missing = [a, b].find((side): side is Failed => !side.ok && side.reason === "relation_claim_missing");
  if (missing) return missing;
  if (!a.ok) return a;
  if (!b.ok) return b;
  const holds = Object.hasOwn(HOLDS, relation.rel) ? HOLDS[relation.rel] : undefined;
  if (!holds) return failed("relation_unknown", { rel: relation.rel });
  if (holds(a.value, b.value, relation.tol ?? 0)) return { ok: true };
  const wa = weightOf(relation, relation.a);
  const wb = weightOf(relation, relation.b);
  const overruled = overruledBy(relation, wa, wb);
  if (overruled !== undefined) return { ok: true, overruled };
  const { rel } = relation;
  return failed("relation_conflict", { rel, a: relation.a, b: relation.b, va: a.value, vb: b.value, wa, wb });
}

/** Refusals: relation_claim_missing, relation_not_numeric, relation_unknown, relation_conflict. */
export function checkRelations(
  relations: readonly Relation[],
  values: Values,
): Check<{ readonly overruled: readonly string[] }> {
  const overruled: string[] = [];
  for (const relation of relations) {
    const result = checkOne(relation, values);
    if (!result.ok) return result;
    if (result.overruled !== undefined) overruled.push(result.overruled);
  }
  return { ok: true, overruled };
}
