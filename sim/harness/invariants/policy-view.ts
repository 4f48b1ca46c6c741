/**
 * A policy document read for judging, not for running: outputs, what their guard demands and who may do what
 * (policy.md 4, 5.2, 7; evidence.md 7). Written from the specification; the product's compiler has no part in it.
 */
import { hashJson } from "../../../firmware/core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import type { Level } from "../../../firmware/ports/hardware.ts";

/** What of a requirement can be judged from records alone. */
export interface Demand {
  readonly required: boolean;
  readonly minTrust: number;
  readonly minCount: number;
  readonly minSources: number;
  /** Ms; Infinity if nobody limits it. */
  readonly maxAgeMs: number;
  readonly minLevel: number;
  readonly requiredKinds: readonly string[];
  readonly accept: readonly string[];
  readonly minKinds: { readonly kinds: readonly string[]; readonly min: number } | null;
  readonly decayPerDay: number;
}

export interface OutputView {
  readonly name: string;
  readonly uri: string;
  /** Of the first chip; null for an output that is no line. */
  readonly line: number | null;
  /** Null: `hold` or a program; then no level is the safe one. */
  readonly safe: Level | null;
  readonly isBefore: boolean;
  readonly demand: Demand;
}

export interface SubjectView {
  readonly kind: string;
  readonly tier: string;
  readonly enabled: boolean;
  readonly keys: readonly string[];
  readonly roles: readonly string[];
  readonly overrides: JsonObject;
}

const RISKS: Readonly<
  Record<string, readonly [trust: number, ageMs: number, sources: number, decay: number]>
> = {
  low: [0.65, 604_800_000, 1, 0.1],
  medium: [0.75, 259_200_000, 2, 0.15],
  high: [0.85, 86_400_000, 3, 0.2],
  prod: [0.9, 21_600_000, 3, 0.25],
};

const ROLES: Readonly<Record<string, readonly string[]>> = {
  admin: ["**"],
  engineer: [
    "capability:request",
    "adapter:dry_run:*",
    "adapter:run:*",
    "runbook:*",
    "event:publish",
    "metrics:read",
  ],
  viewer: ["adapter:dry_run:*", "metrics:read", "event:read"],
};

export const objectAt = (value: Json | undefined, key: string): JsonObject => {
  const found = value !== undefined && isJsonObject(value) ? value[key] : undefined;
  return found !== undefined && isJsonObject(found) ? found : {};
};
export const listAt = (value: Json | undefined, key: string): readonly Json[] => {
  const found = value !== undefined && isJsonObject(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
};
const texts = (value: readonly Json[]): readonly string[] => value.filter((item) => typeof item === "string");
const numberOr = (value: Json | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;

/** Globs of policy.md 5: `*` is one or more characters but `:` and `/`, `**` is any run. */
export function globMatches(glob: string, text: string): boolean {
  const source = glob
    .split("**")
    .map((part) =>
      part
        .split("*")
        .map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join("[^:/]+"),
    )
    .join("[^]*");
  return new RegExp(`^${source}$`).test(text);
}

/** One layer of demands over another: the stricter of both, member by member (evidence.md 7). */
export function tightened(base: Demand, layer: JsonObject): Demand {
  const accept = Array.isArray(layer.accept) ? texts(layer.accept) : null;
  const minKinds = isJsonObject(layer.minKinds ?? null) ? (layer.minKinds as JsonObject) : null;
  return {
    ...base,
    required: base.required || layer.required === true,
    minTrust: Math.max(base.minTrust, numberOr(layer.minTrust, 0)),
    minCount: Math.max(base.minCount, numberOr(layer.minCount, 0)),
    minSources: Math.max(base.minSources, numberOr(layer.minSources, 0)),
    maxAgeMs: Math.min(base.maxAgeMs, numberOr(layer.maxAgeMs, Number.POSITIVE_INFINITY)),
    minLevel: Math.max(base.minLevel, numberOr(layer.minLevel, 0)),
    requiredKinds: [...new Set([...base.requiredKinds, ...texts(listAt(layer, "requiredKinds"))])],
    accept: accept === null ? base.accept : base.accept.filter((name) => accept.includes(name)),
    minKinds:
      minKinds === null
        ? base.minKinds
        : { kinds: texts(listAt(minKinds, "kinds")), min: numberOr(minKinds.min, 0) },
  };
}

/** Defaults of the guard with what the document's own section says instead of them. */
function guardOf(document: JsonObject, uri: string): Demand {
  const evidence = objectAt(document, "evidence");
  const own = objectAt(evidence, "guard");
  const accept = Array.isArray(own.accept)
    ? texts(own.accept)
    : uri.startsWith("mqtt:")
      ? ["observation", "attested", "derived"]
      : ["observation", "attested"];
  const base: Demand = {
    required: evidence.required !== false,
    minTrust: numberOr(own.minTrust, 0.7),
    minCount: numberOr(own.minCount, 1),
    minSources: numberOr(own.minSources, 1),
    maxAgeMs: Number.POSITIVE_INFINITY,
    minLevel: 0,
    requiredKinds: [],
    accept,
    minKinds: null,
    decayPerDay: 0,
  };
  const { minTrust: _trust, minCount: _count, minSources: _sources, accept: _accept, ...rest } = own;
  return tightened(base, rest);
}

function outputOf(document: JsonObject, value: JsonObject): OutputView {
  const uri = String(value.uri);
  const [minTrust, maxAgeMs, minSources, decayPerDay] = RISKS[String(value.risk)] ?? [1, 0, 5, 1];
  const gpio = /^gpio:\/\/gpiochip0\/(\d+)$/.exec(uri);
  const withRisk = tightened(guardOf(document, uri), { minTrust, maxAgeMs, minSources });
  return {
    name: String(value.name),
    uri,
    line: gpio ? Number(gpio[1]) : null,
    safe: value.safe === 0 || value.safe === 1 ? value.safe : null,
    isBefore: value.durability === "before",
    demand: { ...tightened(withRisk, objectAt(value, "requires")), decayPerDay },
  };
}

function subjectOf(value: JsonObject): SubjectView {
  return {
    kind: String(value.kind),
    tier: String(value.tier),
    enabled: value.enabled !== false,
    keys: texts(listAt(value, "keys")),
    roles: texts(listAt(value, "roles")),
    overrides: objectAt(value, "overrides"),
  };
}

export class PolicyView {
  readonly document: JsonObject;
  readonly policyHash: string;
  readonly outputs: readonly OutputView[];
  readonly subjects: ReadonlyMap<string, SubjectView>;

  constructor(document: JsonObject) {
    this.document = document;
    this.policyHash = hashJson(document);
    this.outputs = listAt(document, "outputs")
      .filter(isJsonObject)
      .map((value) => outputOf(document, value));
    this.subjects = new Map(
      Object.entries(objectAt(document, "subjects")).map(([id, value]) => [
        id,
        subjectOf(isJsonObject(value) ? value : {}),
      ]),
    );
  }

  output(name: string): OutputView | null {
    return this.outputs.find((output) => output.name === name) ?? null;
  }

  outputOfLine(line: number): OutputView | null {
    return this.outputs.find((output) => output.line === line) ?? null;
  }

  /** What an output's guard demands of one subject: its overrides tighten (policy.md 7, 8). */
  demandOf(output: OutputView, subject: string): Demand {
    const evidence = objectAt(this.subjects.get(subject)?.overrides, "evidence");
    return tightened(tightened(output.demand, evidence), objectAt(evidence, "guard"));
  }

  /** Whether the operator that holds a key has a permission (policy.md 5.2). */
  permits(keyId: string, permission: string): boolean {
    const table = { ...ROLES, ...objectAt(this.document, "roles") };
    return [...this.subjects.values()].some(
      ({ kind, enabled, keys, roles }) =>
        kind === "operator" &&
        enabled &&
        keys.includes(keyId) &&
        roles.some((role) => texts(listAt(table, role)).some((glob) => globMatches(glob, permission))),
    );
  }
}

/** Lines that the configuration says are active low (`lines` of imud.yaml). */
export const activeLowLines = (config: JsonObject): ReadonlySet<number> =>
  new Set(
    listAt(config, "lines").flatMap((line) => {
      const uri = isJsonObject(line) && line.activeLow === true ? String(line.uri) : "";
      const found = /^gpio:\/\/gpiochip0\/(\d+)$/.exec(uri);
      return found ? [Number(found[1])] : [];
    }),
  );
