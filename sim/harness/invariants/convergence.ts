/** I6: after faults end, all online devices hold the same batches within the scenario's bound (sync.md 4, 5). */
import { fromBase64, fromUtf8 } from "../../../firmware/core/bytes.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";

const DEFAULT_BOUND_MS = 60_000;
/** A batch that is further ahead of a device's calendar must be refused by it (sync.md 1): that is no lag. */
const DRIFT_MS = 60_000;

const batchKey = (origin: string, seq: number): string => `${origin}/${String(seq).padStart(16, "0")}`;

/** When a batch was written, by its hybrid clock (sync.md 1); null if it cannot be read. */
function stampMs(row: Uint8Array): number | null {
  const message = decodeCbor(row.subarray(1));
  const payload: unknown = isJsonObject(message) ? message.payload : null;
  const bytes =
    payload instanceof Uint8Array ? payload : typeof payload === "string" ? fromBase64(payload) : null;
  if (bytes === null) return null;
  const batch: unknown = JSON.parse(fromUtf8(bytes));
  const hlc = isJsonObject(batch) ? batch.hlc : null;
  return typeof hlc === "string" ? Number.parseInt(hlc.slice(0, 12), 16) : null;
}

/** A stamp that far ahead of the receiver's clock is held, and a message with it goes no further (sync.md 1, 4.3). */
const MAX_DRIFT_MS = 60_000;
/** The mark of the hybrid clock is kept ahead of it: after a restart stamps begin there. */
const MARK_MS = 15_000;

/** Whether a device cannot be heard by another one: its clock is, or once was, further ahead than is believed. */
function isUnheard(speaker: DeviceFacts, hearer: DeviceFacts, nowUs: number): boolean {
  const nowMs = hearer.timeline.wallAt(nowUs) ?? 0;
  return speaker.timeline.highestWallMs(nowUs) + MARK_MS > nowMs + MAX_DRIFT_MS;
}

interface Lag {
  readonly origin: string;
  readonly has: number;
  readonly newest: number;
  readonly holder: DeviceFacts;
}

/** What one device lacks of what another one holds. */
function lags(one: DeviceFacts, other: DeviceFacts): readonly Lag[] {
  return [...other.heads].flatMap(([origin, { seq }]) => {
    const has = one.heads.get(origin)?.seq ?? 0;
    return has < seq ? [{ origin, has, newest: seq, holder: other }] : [];
  });
}

/** Online for longer than the bound, on a disk that keeps its promises, with nothing disturbing it. */
function settledDevices({
  facts,
  nowUs,
  quietSinceUs,
  convergeMs,
}: InvariantContext): readonly DeviceFacts[] {
  const sinceUs = nowUs - (convergeMs ?? DEFAULT_BOUND_MS) * 1000;
  if (quietSinceUs === null || quietSinceUs > sinceUs) return [];
  return facts.filter(({ device }) => {
    const { linkUpSinceUs, lives, isDiskHonest } = device;
    const startedUs = lives.at(-1)?.startedUs ?? null;
    const isUp = lives.at(-1)?.untilUs === null;
    return (
      isUp &&
      isDiskHonest &&
      linkUpSinceUs !== null &&
      linkUpSinceUs <= sinceUs &&
      startedUs !== null &&
      startedUs <= sinceUs
    );
  });
}

async function checkPair(context: InvariantContext, one: DeviceFacts, other: DeviceFacts): Promise<void> {
  const say = (what: string, details: JsonObject): void =>
    context.report({ id: "I6", what, actor: one.device.deviceId, details });
  for (const [origin, { seq, hash }] of other.heads) {
    const own = one.heads.get(origin);
    if (own !== undefined && own.seq === seq && own.hash !== hash)
      say("Two devices hold different chains of one origin.", { origin, seq, other: other.device.deviceId });
  }
  // It takes both: one asks, the other answers.
  if (isUnheard(one, other, context.nowUs) || isUnheard(other, one, context.nowUs)) return;
  const ownMs = one.timeline.wallAt(context.nowUs) ?? 0;
  const boundMs = context.convergeMs ?? DEFAULT_BOUND_MS;
  for (const { origin, has, newest, holder } of lags(one, other)) {
    const row = await holder.store.get("sync/batch", batchKey(origin, has + 1));
    const writtenMs = row === undefined ? null : stampMs(row);
    // Stamps are never behind the writer's calendar; what is younger than the bound may still be on its way.
    const writer = context.facts.find(({ device }) => origin.startsWith(`${device.deviceId}.`)) ?? holder;
    const nowMs = writer.timeline.wallAt(context.nowUs);
    if (writtenMs === null || nowMs === null || nowMs - writtenMs <= boundMs) continue;
    if (writtenMs > ownMs + MAX_DRIFT_MS) continue;
    if (writtenMs > (one.timeline.wallAt(context.nowUs) ?? writtenMs) + DRIFT_MS) continue;
    say("A device lacks what another one has held for longer than the bound.", {
      origin,
      has,
      newest,
      holder: holder.device.deviceId,
      writtenMs,
    });
  }
}

export const convergenceInvariant: Invariant = {
  id: "I6",
  async check(context) {
    const settled = settledDevices(context);
    for (const one of settled)
      for (const other of settled) if (one !== other) await checkPair(context, one, other);
  },
};
