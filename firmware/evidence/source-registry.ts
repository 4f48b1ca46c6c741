/** Which sources are known and how much each is worth (evidence.md 4). */
import { CodedError } from "../core/errors.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { roundHalfEven } from "../core/round.ts";
import { parseSource, requireSource, sourceMatches } from "./source.ts";
import type { SourceRule } from "./types.ts";

/** Every built-in scheme has a rule (evidence.md 4). */
export const FACTORY_SOURCE_RULES: readonly SourceRule[] = Object.freeze(
  (
    [
      ["gpio", 0.95],
      ["i2c", 0.95],
      ["spi", 0.95],
      ["serial", 0.9],
      ["local", 0.95],
      ["vm", 0.98],
      ["ota", 0.98],
      ["official", 0.98],
      ["operator", 0.98],
      ["peer", 0.8],
      ["mqtt", 0.6],
      ["sim", 0],
    ] as const
  ).map(([scheme, trust]) => Object.freeze({ prefix: `${scheme}://`, id: scheme, trust })),
);

export const UNKNOWN_TRUST = 0.5;

/** What the registry says about one source. */
export interface SourceInfo {
  /** Id of the rule, `unknown` without one. Reputation is kept per id. */
  readonly id: string;
  readonly trust: number;
  /** 0..5. */
  readonly points: number;
  readonly registered: boolean;
  readonly kinds?: readonly string[];
  readonly maxTtlMs?: number;
}

export interface SourceRegistryOptions {
  /** Rules of the signed `sources.json`; a rule with the prefix of a factory rule replaces it. */
  readonly rules?: readonly SourceRule[];
  /** Policy may lower it, never raise it above 0.5. */
  readonly unknownTrust?: number;
  /** True only in a composition started as a simulator. */
  readonly simulated?: boolean;
  /** Tuned trust by rule id; clamped to 0..1 and never above the signed rule. */
  readonly tuning?: Readonly<Record<string, number>>;
  /** Alert `source_unregistered`: called once per source and registry, i.e. per boot. */
  readonly onUnregistered?: (source: string) => void;
}

const between = (x: number, low: number, high: number): boolean => x >= low && x <= high;

/** @throws CodedError `bad_source` (422) for a malformed rule. */
export function checkSourceRule(rule: SourceRule): void {
  const body = rule.prefix.endsWith("://") ? `${rule.prefix}x` : rule.prefix.replace(/\/$/, "");
  const sound =
    parseSource(body) !== null &&
    rule.id !== "" &&
    rule.id !== "unknown" &&
    between(rule.trust, 0, 1) &&
    (rule.points === undefined || between(rule.points, 0, 5)) &&
    (rule.maxTtlMs === undefined || between(rule.maxTtlMs, 0, Number.MAX_SAFE_INTEGER));
  if (sound) return;
  throw new CodedError("bad_source", "A source rule has a malformed prefix, id, trust or points.", {
    status: 422,
    details: { prefix: rule.prefix, id: rule.id },
  });
}

/**
 * @throws CodedError `bad_source` (422) at construction for a malformed rule or a prefix that appears twice.
 */
export class SourceRegistry {
  readonly simulated: boolean;
  readonly unknownTrust: number;
  readonly #rules = new Map<string, SourceRule>();
  readonly #tuning: Readonly<Record<string, number>>;
  readonly #onUnregistered: (source: string) => void;
  readonly #reported = new Set<string>();
  /** The rules never change after construction, so an answer stays right. */
  readonly #known = new Map<string, SourceInfo>();
  /** Sources that were found to be well-formed. */
  readonly #sound = new Set<string>();

  constructor(options: SourceRegistryOptions = {}) {
    this.simulated = options.simulated ?? false;
    const unknown = options.unknownTrust ?? UNKNOWN_TRUST;
    this.unknownTrust = unknown >= 0 ? Math.min(unknown, UNKNOWN_TRUST) : 0;
    this.#tuning = options.tuning ?? {};
    this.#onUnregistered = options.onUnregistered ?? (() => undefined);
    for (const rule of FACTORY_SOURCE_RULES) this.#rules.set(rule.prefix, rule);
    const seen = new Set<string>();
    for (const rule of options.rules ?? []) {
      checkSourceRule(rule);
      if (seen.has(rule.prefix)) {
        throw new CodedError("bad_source", `The prefix ${rule.prefix} appears twice.`, {
          status: 422,
          details: { prefix: rule.prefix },
        });
      }
      seen.add(rule.prefix);
      this.#rules.set(rule.prefix, rule);
    }
    if (this.simulated) this.#trustSimulatedSchemes();
  }

  /**
   * Trust, points and limits of a source. An unknown source is reported once and never carries an effect
   * alone.
   */
  lookup(source: string): SourceInfo {
    const known = this.#known.get(source);
    if (known) return known;
    const info = this.#describe(source);
    if (this.#known.size >= EVIDENCE_LIMITS.rememberedSources) this.#known.clear();
    this.#known.set(source, info);
    return info;
  }

  /** The same for a source that nobody has checked yet. @throws CodedError `bad_source` (422). */
  require(source: string): SourceInfo {
    if (!this.#sound.has(source)) {
      requireSource(source);
      if (this.#sound.size >= EVIDENCE_LIMITS.rememberedSources) this.#sound.clear();
      this.#sound.add(source);
    }
    return this.lookup(source);
  }

  #describe(source: string): SourceInfo {
    const rule = this.#longestMatch(source);
    if (!rule) {
      this.#report(source);
      return {
        id: "unknown",
        trust: this.unknownTrust,
        points: roundHalfEven(5 * this.unknownTrust),
        registered: false,
      };
    }
    const worthless = source.startsWith("sim://") && !this.simulated;
    const trust = worthless ? 0 : Math.min(rule.trust, this.#tuned(rule.id));
    return {
      id: rule.id,
      trust,
      points: worthless ? 0 : (rule.points ?? roundHalfEven(5 * trust)),
      registered: true,
      ...(rule.kinds ? { kinds: rule.kinds } : {}),
      ...(rule.maxTtlMs === undefined ? {} : { maxTtlMs: rule.maxTtlMs }),
    };
  }

  /** The rule that decides for a source, for its keys and threshold. */
  ruleFor(source: string): SourceRule | undefined {
    return this.#longestMatch(source);
  }

  #tuned(id: string): number {
    const value = Object.hasOwn(this.#tuning, id) ? this.#tuning[id] : undefined;
    return value === undefined ? 1 : value >= 0 ? Math.min(1, value) : 0;
  }

  #longestMatch(source: string): SourceRule | undefined {
    let best: SourceRule | undefined;
    for (const rule of this.#rules.values()) {
      if (rule.prefix.length > (best?.prefix.length ?? 0) && sourceMatches(rule.prefix, source)) best = rule;
    }
    return best;
  }

  #trustSimulatedSchemes(): void {
    for (const rule of [...this.#rules.values()]) {
      if (rule.prefix.startsWith("sim://")) continue;
      const prefix = `sim://${rule.prefix.replace("://", "/")}`;
      if (!this.#rules.has(prefix)) this.#rules.set(prefix, { ...rule, prefix, id: `sim.${rule.id}` });
    }
  }

  #report(source: string): void {
    if (this.#reported.has(source) || this.#reported.size >= EVIDENCE_LIMITS.rememberedSources) return;
    this.#reported.add(source);
    this.#onUnregistered(source);
  }
}
