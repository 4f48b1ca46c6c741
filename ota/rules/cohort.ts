/** Which devices of a fleet may start, and how many (rollout.md 12, 19). */
import { utf8 } from "../../firmware/core/bytes.ts";
import { sha256 } from "../../firmware/core/hash.ts";

const BUCKETS = 10_000;

/** 0 to 9999, fixed by rollout and device: uint32_be(SHA-256(rolloutId + "\n" + deviceId)) mod 10000. */
export function bucketOf(rolloutId: string, deviceId: string): number {
  const digest = sha256(utf8(`${rolloutId}\n${deviceId}`));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) % BUCKETS;
}

export interface CohortVerdict {
  readonly bucket: number;
  readonly included: boolean;
  readonly by: "bucket" | "smallest" | null;
}

/** @param percent 0 to 100, decimals allowed. @param roster all devices, so that no active stage is empty. */
export function cohort(
  rolloutId: string,
  deviceId: string,
  percent: number,
  roster: readonly string[] = [],
): CohortVerdict {
  const bucket = bucketOf(rolloutId, deviceId);
  if (bucket < Math.floor(percent * 100)) return { bucket, included: true, by: "bucket" };
  if (percent <= 0 || !roster.includes(deviceId)) return { bucket, included: false, by: null };
  const isFirst = roster.every((other) => {
    const theirs = bucketOf(rolloutId, other);
    return theirs > bucket || (theirs === bucket && other >= deviceId);
  });
  return { bucket, included: isFirst, by: isFirst ? "smallest" : null };
}

export interface Share {
  readonly candidate: number;
  readonly baseline: number;
}

const shareOf = (total: number, wanted: number): Share => {
  const candidate = Math.min(total, Math.max(0, wanted));
  return { candidate, baseline: total - candidate };
};

/** A share of p percent of n devices is rounded down. */
export const share = (total: number, percent: number): Share =>
  shareOf(total, Math.floor((total * percent) / 100));

/** Raising a share by q percent adds at least one device. */
export const raise = (total: number, current: number, addPercent: number): Share =>
  shareOf(total, current + Math.max(1, Math.floor((total * addPercent) / 100)));

/** How many devices of a group may update at once; a device of unknown state is unavailable. */
export function updateSlots(group: {
  readonly groupSize: number;
  readonly minAvailable: number;
  readonly unavailable: number;
}): { readonly slots: number; readonly allowed: boolean } {
  const slots = Math.max(0, group.groupSize - group.minAvailable - group.unavailable);
  return { slots, allowed: slots > 0 };
}
