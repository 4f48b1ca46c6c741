/** The closed table of evidence kinds, their classes and freshness profiles (evidence.md 3, 5). */
import { CodedError } from "../core/errors.ts";
import type { EvidenceClass } from "./types.ts";

/** `maxTtlMs` in ms, `decayPerDay` as trust lost per 24 h (evidence.md 5). */
export interface FreshnessProfile {
  readonly maxTtlMs: number;
  readonly decayPerDay: number;
}

export type ProfileName =
  | "reading"
  | "message"
  | "tariff"
  | "metrics"
  | "identity"
  | "config"
  | "default"
  | "schema"
  | "code"
  | "model";

/** evidence.md 5, the whole table. */
export const PROFILES: Readonly<Record<ProfileName, FreshnessProfile>> = Object.freeze({
  reading: { maxTtlMs: 600_000, decayPerDay: 0.3 },
  message: { maxTtlMs: 10_800_000, decayPerDay: 0.3 },
  tariff: { maxTtlMs: 21_600_000, decayPerDay: 0.25 },
  metrics: { maxTtlMs: 43_200_000, decayPerDay: 0.2 },
  identity: { maxTtlMs: 86_400_000, decayPerDay: 0.18 },
  config: { maxTtlMs: 259_200_000, decayPerDay: 0.12 },
  default: { maxTtlMs: 604_800_000, decayPerDay: 0.1 },
  schema: { maxTtlMs: 1_209_600_000, decayPerDay: 0.05 },
  code: { maxTtlMs: 2_592_000_000, decayPerDay: 0.04 },
  model: { maxTtlMs: 5_184_000_000, decayPerDay: 0.03 },
});

export interface KindRule {
  readonly class: EvidenceClass;
  readonly profile: FreshnessProfile;
  /** Trust the daemon declares for its own records; absent = the source's trust. */
  readonly declaredTrust?: number;
}

/** The name of a kind that policy may declare. */
export const CUSTOM_KIND = /^x_[a-z0-9_]{1,62}$/;

/** A kind declared in policy: `x_<name>` with a class other than bookkeeping. */
export interface CustomKind {
  readonly kind: string;
  readonly class: EvidenceClass;
  readonly profile?: ProfileName;
}

const BUILT_IN: readonly (readonly [EvidenceClass, ProfileName, string])[] = [
  ["observation", "reading", "gpio_read gpio_edge i2c_read spi_read serial_read sensor_reading clock_read"],
  ["observation", "message", "mqtt_message peer_claim"],
  ["attested", "identity", "official_verified operator_command"],
  ["attested", "code", "ota_target"],
  ["derived", "code", "vm_trace"],
  ["derived", "config", "kv_read"],
  ["derived", "metrics", "resolution_proof aggregate"],
  ["trigger", "reading", "schedule_tick boot event"],
  ["effect", "reading", "gpio_write i2c_write spi_write serial_write mqtt_publish respond"],
  [
    "bookkeeping",
    "reading",
    "run_start run_end capability_exec_start capability_exec_done phi_charge phi_reject phi_refund " +
      "guard_decision fallback_used official_verification_failed sensor_absent sensor_error " +
      "permission_block resource_required",
  ],
  ["bookkeeping", "default", "phi_decision learn_update"],
];

const DECLARED: Readonly<Record<string, number>> = {
  capability_exec_done: 0.98,
  phi_charge: 0.98,
  phi_refund: 0.98,
  official_verification_failed: 0.9,
  permission_block: 0.7,
  sensor_absent: 0.4,
  sensor_error: 0.4,
};

function builtInRules(): Map<string, KindRule> {
  const rules = new Map<string, KindRule>();
  for (const [cls, profile, names] of BUILT_IN) {
    for (const kind of names.split(" ")) {
      const declared = DECLARED[kind] ?? (cls === "bookkeeping" ? 0.95 : undefined);
      rules.set(kind, {
        class: cls,
        profile: PROFILES[profile],
        ...(declared === undefined ? {} : { declaredTrust: declared }),
      });
    }
  }
  return rules;
}

/** Looks kinds up; built-in kinds can be neither redefined nor removed. */
export class KindTable {
  readonly #rules = builtInRules();

  /** @throws CodedError `evidence_unknown_kind` (422) for a custom kind that policy may not declare. */
  constructor(custom: readonly CustomKind[] = []) {
    for (const entry of custom) {
      const allowed = CUSTOM_KIND.test(entry.kind) && entry.class !== "bookkeeping";
      if (!allowed || this.#rules.has(entry.kind)) {
        throw new CodedError("evidence_unknown_kind", `Policy may not declare the kind ${entry.kind}.`, {
          status: 422,
          details: { kind: entry.kind },
        });
      }
      this.#rules.set(entry.kind, { class: entry.class, profile: PROFILES[entry.profile ?? "default"] });
    }
  }

  get(kind: string): KindRule | undefined {
    return this.#rules.get(kind);
  }

  kinds(): readonly string[] {
    return [...this.#rules.keys()];
  }
}

/** The table without custom kinds. */
export const BUILT_IN_KINDS = new KindTable();
