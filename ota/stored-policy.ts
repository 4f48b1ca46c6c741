/** The policy a run was recorded under, among the releases that are still stored. */
import { hashJson } from "../firmware/core/hash.ts";
import type { JsonObject } from "../firmware/core/json.ts";
import type { Store } from "../firmware/ports/store.ts";
import { readBundle } from "./release/bundle.ts";
import { POLICY_SUB } from "./slots.ts";

/** Null if no stored release holds it. A release that cannot be read is passed over: it proves nothing. */
export async function storedPolicy(store: Store, policyHash: string): Promise<JsonObject | null> {
  for await (const [, bytes] of store.range(POLICY_SUB, { gte: "release/", lt: "release0" })) {
    const read = readBundle(bytes);
    if (read.ok && hashJson(read.bundle.policy) === policyHash) return read.bundle.policy;
  }
  return null;
}

/** The policy of a stored release, not compiled; null if it is not stored any more. */
export async function policyOfRelease(store: Store, releaseHash: string): Promise<JsonObject | null> {
  const bytes = await store.get(POLICY_SUB, `release/${releaseHash}`);
  const read = bytes === undefined ? null : readBundle(bytes);
  return read?.ok ? read.bundle.policy : null;
}
