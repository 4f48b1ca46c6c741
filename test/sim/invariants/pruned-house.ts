/** A greenhouse whose ledger was pruned twice: every run has an entry of its own, so that tiles fill up in minutes. */
import { decodeCbor, encodeCbor } from "../../../firmware/core/cbor.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { put } from "../../../firmware/ports/store.ts";
import { MemoryStore } from "../../../sim/disk/memory-store.ts";
import {
  ALL_INVARIANTS,
  checkInvariants,
  type Observations,
  type ObservedDevice,
} from "../../../sim/harness/invariants/index.ts";
import type { InvariantId, Violation } from "../../../sim/harness/violations.ts";
import { greenhouse } from "../harness/greenhouse.ts";

export interface Pruned {
  readonly observations: Observations;
  readonly device: ObservedDevice;
}

export async function prunedHouse(): Promise<Pruned> {
  const prune = { do: "prune", device: "house-001", maxBytes: 60_000, unwitnessed: true };
  const sim = await greenhouse({
    duration: "12m",
    config: { clock: { trust: "system" }, ledger: { minDays: 0 } },
    policy: ({ subjects }) => {
      for (const subject of Object.values(subjects)) if (subject.kind === "program") subject.rollup = false;
    },
    timeline: [
      { at: "6m", ...prune },
      { at: "7m", fault: "cut", device: "house-001", offMs: 2000 },
      { at: "11m", ...prune },
    ],
  });
  await sim.run("12m");
  if (sim.violations.all.length > 0) throw new Error(JSON.stringify(sim.violations.all));
  const observations = sim.observations();
  const [device] = observations.devices;
  if (device === undefined) throw new Error("The house has a device.");
  return { observations, device };
}

/** A device with other observations; everything else is asked of the first one. */
export const like = (device: ObservedDevice, change: Partial<ObservedDevice>): ObservedDevice =>
  new Proxy(device, {
    get: (target, member) => {
      if (Object.hasOwn(change, member)) return Reflect.get(change, member);
      const value: unknown = Reflect.get(target, member);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** What becomes of a row: other bytes, or nothing; undefined leaves it. */
export type Rewrite = (key: string, value: Uint8Array) => Uint8Array | null | undefined;

/** A copy of all rows of a device in which those of some sublevels were changed. */
export async function rewritten(
  device: ObservedDevice,
  changes: Readonly<Record<string, Rewrite>>,
): Promise<ObservedDevice> {
  const copy = new MemoryStore();
  for (const [where, value] of device.image()) {
    if (where.startsWith("/")) continue;
    const [sub, key] = [where.slice(0, where.indexOf("!")), where.slice(where.indexOf("!") + 1)];
    const after = changes[sub]?.(key, value);
    if (after === null) continue;
    await copy.batch([put(sub, key, after ?? value)], { sync: true });
  }
  return like(device, { store: () => copy });
}

/** Changes members of a row that is CBOR. */
export const members =
  (change: (row: JsonObject) => JsonObject): Rewrite =>
  (_key, value) => {
    const row = decodeCbor(value) as JsonObject;
    return encodeCbor({ ...row, ...change(row) });
  };

/** What the rules of one number find. */
export async function findings(
  observations: Observations,
  id: InvariantId,
  change: Partial<Observations> = {},
): Promise<readonly string[]> {
  const found: Omit<Violation, "atUs">[] = [];
  const report = (violation: Omit<Violation, "atUs">): void => void found.push(violation);
  await checkInvariants(
    { ...observations, ...change, report },
    ALL_INVARIANTS.filter((rule) => rule.id === id),
  );
  return [...new Set(found.map(({ what }) => what))];
}
