/** What the device tells the compiler about itself (policy.md 3). */
import type { JsonObject } from "../core/json.ts";
import type { Profile } from "./types.ts";

/** The policy in force, against which a successor is compared. */
export interface ActivePolicy {
  readonly id: string;
  readonly version: number;
  readonly policyHash: string;
  /** Its compiled form; without it loosening cannot be judged and is not. */
  readonly compiled?: JsonObject;
}

/** An absent fact is not known and not judged; `active: null` says that no policy is in force. */
export interface CompileFacts {
  readonly board?: string;
  /** Semantic version of imud. */
  readonly runtimeVersion?: string;
  /** Profiles below this one are refused. */
  readonly minProfile?: Profile;
  /** Prefixes of the registered evidence sources; default: the factory rules. */
  readonly sourcePrefixes?: readonly string[];
  /** Evidence kinds that drivers and verifiers of this device produce beyond the declared bindings. */
  readonly producedKinds?: readonly string[];
  /** Names of the secrets that are present. Never their values. */
  readonly secrets?: readonly string[];
  readonly active?: ActivePolicy | null;
  /** Trusted time in ms since the epoch; absent while the clock is not trusted. */
  readonly nowMs?: number;
}
