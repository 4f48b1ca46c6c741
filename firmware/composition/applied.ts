/**
 * What the daemon was started with, compared with the start before: a change is recorded with snapshots of both sides
 * (ledger.md 12).
 */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { JSON_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import { changedPaths } from "../ledger/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import { put } from "../ports/store.ts";
import type { DeviceParts } from "./device-parts.ts";
import { readRosterDocument } from "./roster-file.ts";
import type { DeviceState } from "./state.ts";

/** Digest of the snapshot that was in force last, by name. */
export const APPLIED_SUB = "applied";

/** Null if there is none, or if it cannot be read any more: then there is nothing to compare with. */
async function lastApplied(
  { store, content }: DeviceState,
  name: string,
): Promise<{ readonly sha256: string; readonly value: Json } | null> {
  const row = await store.get(APPLIED_SUB, name);
  if (row === undefined) return null;
  try {
    const sha256 = String(decodeCbor(row));
    const text = fromUtf8(await content.get(sha256));
    return {
      sha256,
      value: parseJsonText(text, { maxBytes: text.length * 4, maxDepth: JSON_LIMITS.storedDepth }),
    };
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/**
 * Records what changed since it was last recorded; the first time there is no old side, and nothing to record.
 * @returns whether it differs from what was in force, or is the first.
 * @throws CodedError `not_canonical`, `too_large`, `ledger_unavailable`.
 */
export async function recordApplied(state: DeviceState, name: string, value: JsonObject): Promise<boolean> {
  const { content, ledger } = state;
  const bytes = utf8(canonicalize(value));
  const { sha256, ops } = content.stage(bytes);
  const before = await lastApplied(state, name);
  if (before?.sha256 === sha256) return false;
  const events: LedgerEvent[] = [];
  if (before !== null) {
    const { changedPaths: paths, ...more } = changedPaths(before.value, value);
    const data = { name, before: before.sha256, after: sha256, changedPaths: [...paths], ...more };
    const refs = [before.sha256, sha256];
    events.push({ kind: "config_change", actor: "daemon", severity: "info", data, refs });
  }
  await ledger.commit(
    { events, ops: [...ops, put(APPLIED_SUB, name, encodeCbor(sha256))] },
    { urgent: true },
  );
  return true;
}

/** A URL may name a user and a password: they are no part of what changed. */
const withoutUser = (url: string): string => url.replace(/^([a-z]+:\/\/)[^@/]*@/, "$1");

function configuration({ config }: DeviceParts): JsonObject {
  const plain = JSON.parse(JSON.stringify(config)) as JsonObject;
  const { broker } = plain;
  if (!isJsonObject(broker ?? null)) return plain;
  const { url, ...rest } = broker as JsonObject;
  return { ...plain, broker: { ...rest, ...(typeof url === "string" ? { url: withoutUser(url) } : {}) } };
}

/** @returns documents of the fleet that are new since the start before. @throws as `recordApplied`. */
export async function recordAllApplied(parts: DeviceParts): Promise<readonly JsonObject[]> {
  const { state, config } = parts;
  await recordApplied(state, "imud.yaml", configuration(parts));
  if (!config.rosterFile) return [];
  const document = await readRosterDocument(state.files, config.rosterFile);
  return (await recordApplied(state, "roster", document)) ? [document] : [];
}
