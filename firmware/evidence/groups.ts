/** Redundant sensors: several claims about one quantity must agree (evidence.md 10). */
import type { AssessedRecord } from "./assess.ts";
import { type Check, type Details, failed } from "./check.ts";
import type { Claim, GroupPolicy, GroupResolution, Requirement } from "./types.ts";

const EPSILON = 1e-9;
const DEFAULT_TOLERANCE = 0.05;

export interface GroupMember {
  /** Claim id. */
  readonly id: string;
  readonly value: unknown;
  readonly origin: string;
  readonly unit: string | undefined;
  /** Wall clock of the evidence, ms. */
  readonly ts: number;
  readonly trust: number;
  /** Relative; a claim can only tighten the tolerance of policy. */
  readonly tolerance?: number;
}

interface NumericMember extends GroupMember {
  readonly value: number;
}

/** The policy of a group that the signed policy does not name. */
export const defaultGroupPolicy = (numberTolerance = DEFAULT_TOLERANCE): GroupPolicy => ({
  mode: "all",
  tolerance: numberTolerance,
  minMembers: 2,
  maxSpreadMs: 2000,
  majority: 1.3,
});

function firstOfEachOrigin<T extends GroupMember>(members: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  return members.filter(({ origin }) => !seen.has(origin) && seen.add(origin));
}

/** Linear interpolation between the two middle values. */
function median(sorted: readonly NumericMember[]): number {
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)]?.value ?? 0;
  const high = sorted[Math.ceil(middle)]?.value ?? 0;
  return low + (high - low) * (middle % 1);
}

const byValue = (a: NumericMember, b: NumericMember): number =>
  a.value - b.value || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const weightOf = (members: readonly NumericMember[]): number =>
  members.reduce((sum, { trust }) => sum + trust, 0);

type Consistent = (a: number, b: number) => boolean;

function consistency(policy: GroupPolicy, tol: number): Consistent {
  const { absTolerance } = policy;
  if (absTolerance !== undefined) return (a, b) => Math.abs(a - b) <= absTolerance + EPSILON;
  return (a, b) => Math.abs(a - b) <= tol * Math.max(Math.abs(a), Math.abs(b), 1) + EPSILON;
}

interface Cluster {
  readonly members: readonly NumericMember[];
  readonly weight: number;
}

/**
 * For every start the longest run whose smallest and largest member agree; that decides for all its pairs.
 */
function clustersOf(sorted: readonly NumericMember[], consistent: Consistent): Cluster[] {
  return sorted.map((first, start) => {
    let end = start + 1;
    for (let next = sorted[end]; next && consistent(first.value, next.value); next = sorted[end]) end++;
    const members = sorted.slice(start, end);
    return { members, weight: weightOf(members) };
  });
}

const ties = (a: Cluster, b: Cluster): boolean =>
  Math.abs(a.weight - b.weight) <= EPSILON && a.members.length === b.members.length;

const heavierFirst = (a: Cluster, b: Cluster): number =>
  Math.abs(a.weight - b.weight) <= EPSILON ? b.members.length - a.members.length : b.weight - a.weight;

function vote(
  group: string,
  sorted: readonly NumericMember[],
  policy: GroupPolicy,
  consistent: Consistent,
): Check<{ readonly resolution: GroupResolution }> {
  const clusters = clustersOf(sorted, consistent);
  const [winner] = [...clusters].sort(heavierFirst);
  const minAgree = policy.minAgree ?? Math.floor(sorted.length / 2) + 1;
  const outliers = sorted.filter((member) => !winner?.members.includes(member));
  const clear =
    winner !== undefined &&
    winner.members.length >= minAgree &&
    winner.weight + EPSILON >= policy.majority * weightOf(outliers) &&
    !clusters.some((other) => other !== winner && ties(other, winner));
  if (!clear) {
    const listed = clusters.map(({ members, weight }) => ({ members: members.map(({ id }) => id), weight }));
    return failed("no_clear_majority", { group, clusters: listed });
  }
  return { ok: true, resolution: resolutionOf(group, "vote", winner.members, outliers) };
}

function resolutionOf(
  group: string,
  mode: GroupPolicy["mode"],
  members: readonly NumericMember[],
  outliers: readonly NumericMember[],
): GroupResolution {
  return {
    group,
    mode,
    value: median(members),
    members: members.map(({ id }) => id),
    outliers: outliers.map(({ id }) => id),
    weights: Object.fromEntries([...members, ...outliers].map(({ id, trust }) => [id, trust])),
  };
}

const isNumeric = (member: GroupMember): member is NumericMember =>
  typeof member.value === "number" && Number.isFinite(member.value);

/**
 * Agreement of one group. Refusals in order: group_not_numeric, group_unit_mismatch, group_too_small,
 * group_time_spread, inconsistent_values or no_clear_majority.
 */
export function checkGroup(
  group: string,
  all: readonly GroupMember[],
  policy: GroupPolicy,
): Check<{ readonly resolution: GroupResolution }> {
  const numeric = all.filter(isNumeric);
  if (numeric.length < all.length) return failed("group_not_numeric", { group });
  if (new Set(numeric.map(({ unit }) => unit)).size > 1) return failed("group_unit_mismatch", { group });
  const members = firstOfEachOrigin(numeric);
  if (members.length < policy.minMembers) {
    return failed("group_too_small", { group, need: policy.minMembers, have: members.length });
  }
  const times = members.map(({ ts }) => ts);
  const spreadMs = Math.max(...times) - Math.min(...times);
  if (!(spreadMs <= policy.maxSpreadMs)) {
    return failed("group_time_spread", { group, spreadMs, maxSpreadMs: policy.maxSpreadMs });
  }
  const sorted = [...members].sort(byValue);
  const tol = Math.min(policy.tolerance, ...members.map(({ tolerance }) => tolerance ?? policy.tolerance));
  const consistent = consistency(policy, tol);
  if (policy.mode === "vote") return vote(group, sorted, policy, consistent);
  const min = sorted[0]?.value ?? 0;
  const max = sorted[sorted.length - 1]?.value ?? 0;
  if (consistent(min, max)) return { ok: true, resolution: resolutionOf(group, "all", sorted, []) };
  const { absTolerance } = policy;
  const limit: Details = absTolerance === undefined ? { tol } : { absTolerance };
  return failed("inconsistent_values", { group, min, max, ...limit });
}

function memberOf(claim: Claim, lookup: (id: string) => AssessedRecord | undefined): GroupMember {
  const entry = lookup(claim.from?.evidence ?? "");
  const { schema } = claim;
  const tolerance = "tolerance" in schema ? schema.tolerance : undefined;
  return {
    id: claim.id,
    value: claim.value,
    origin: entry?.record.origin ?? "",
    unit: "unit" in schema ? schema.unit : undefined,
    ts: entry?.record.ts ?? Number.NaN,
    trust: entry?.trust ?? 0,
    ...(typeof tolerance === "number" ? { tolerance } : {}),
  };
}

/**
 * All groups among the claims, in order of first appearance. Profile dev (`requireGroups: false`) only
 * warns.
 */
export function checkGroups(
  claims: readonly Claim[],
  lookup: (id: string) => AssessedRecord | undefined,
  requirement: Requirement,
): Check<{
  readonly resolutions: readonly GroupResolution[];
  readonly warnings: readonly { readonly reason: string; readonly details: Details }[];
}> {
  const groups = new Map<string, GroupMember[]>();
  for (const claim of claims) {
    if (claim.group === undefined) continue;
    const members = groups.get(claim.group) ?? [];
    groups.set(claim.group, members);
    members.push(memberOf(claim, lookup));
  }
  const resolutions: GroupResolution[] = [];
  const warnings: { reason: string; details: Details }[] = [];
  for (const [name, members] of groups) {
    const named = Object.hasOwn(requirement.groups, name) ? requirement.groups[name] : undefined;
    const result = checkGroup(name, members, named ?? defaultGroupPolicy(requirement.numberTolerance));
    if (result.ok) resolutions.push(result.resolution);
    else if (requirement.requireGroups) return result;
    else warnings.push({ reason: result.reason, details: result.details });
  }
  return { ok: true, resolutions, warnings };
}
