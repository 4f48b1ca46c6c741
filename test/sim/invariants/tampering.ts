/** Ways to alter one row or one observation, as the faults that the rules must find would have left it. */
import { toBase64, utf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize, jcs } from "../../../firmware/core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/core/cbor.ts";
import { type DsseEnvelope, signStatement } from "../../../firmware/core/dsse.ts";
import { keyPairFromSeed } from "../../../firmware/core/ed25519.ts";
import { hashJson, sha256, sha256Hex } from "../../../firmware/core/hash.ts";
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { keyIdOf } from "../../../firmware/core/key-record.ts";
import { PACKS, readRunEvidence } from "../../../firmware/evidence/index.ts";
import type { Evidence, EvidenceBody } from "../../../firmware/evidence/types.ts";
import { encodeStored } from "../../../firmware/ledger/entry.ts";
import type { LedgerEntry } from "../../../firmware/ledger/types.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import { type DeviceFacts, readFacts } from "../../../sim/harness/invariants/facts.ts";
import type { Observations, ObservedDevice } from "../../../sim/harness/invariants/index.ts";
import { changed, type ObservedHouse, type RowChange, tampered } from "./observed-house.ts";

export type Change = Partial<Observations>;

/** The observations with one device in the place of the first or second. */
export const withDevice = ({ observations }: ObservedHouse, device: ObservedDevice): Change => ({
  devices: observations.devices.map((one) => (one.deviceId === device.deviceId ? device : one)),
});

export const withDeviceChange = (
  house: ObservedHouse,
  device: ObservedDevice,
  change: Partial<ObservedDevice>,
): Change => withDevice(house, changed(device, change));

export async function withRows(
  house: ObservedHouse,
  device: ObservedDevice,
  changes: Readonly<Record<string, RowChange>>,
): Promise<Change> {
  return withDevice(house, await tampered(device, changes));
}

/** An entry's row with the hash of its own content: only chain and tree can tell. */
export function entryRow(entry: unknown): Uint8Array {
  const bytes = jcs(entry);
  return encodeStored(bytes, sha256(bytes));
}

const parseEntry = (row: Uint8Array): LedgerEntry => {
  const { entry } = decodeCbor(row) as { readonly entry: Uint8Array };
  return JSON.parse(new TextDecoder().decode(entry)) as LedgerEntry;
};

/** Alters the data of the entries that `change` gives something for; null removes one. */
export const editEntries =
  (change: (entry: LedgerEntry) => Partial<LedgerEntry["event"]> | null | undefined): RowChange =>
  (_key, row) => {
    const entry = parseEntry(row);
    const event = change(entry);
    if (event === null) return null;
    return event === undefined ? row : entryRow({ ...entry, event: { ...entry.event, ...event } });
  };

export const editRuns =
  (change: (run: RunRecord) => Partial<RunRecord> | null | undefined): RowChange =>
  (_key, row) => {
    const run = decodeCbor(row) as RunRecord;
    const after = change(run);
    if (after === null) return null;
    return after === undefined ? row : encodeCbor({ ...run, ...after });
  };

/** Alters evidence bodies under their old ids. */
export const editEvidence =
  (change: (body: EvidenceBody) => Partial<EvidenceBody> | null | undefined): RowChange =>
  (_key, row) => {
    const evidence = decodeCbor(row) as Evidence;
    const after = change(evidence.body);
    if (after === null) return null;
    return after === undefined ? row : encodeCbor({ ...evidence, body: { ...evidence.body, ...after } });
  };

/** Evidence that was recorded otherwise from the beginning: body, id and index agree. */
export async function reissued(
  house: ObservedHouse,
  device: ObservedDevice,
  change: (body: EvidenceBody) => Partial<EvidenceBody> | undefined,
): Promise<Change> {
  const ids = new Map<string, string>();
  const added: (readonly [string, Uint8Array])[] = [];
  const store = device.store();
  const runs: string[] = [];
  for await (const [runId] of store.range(PACKS)) runs.push(runId);
  for (const evidence of (await Promise.all(runs.map((runId) => readRunEvidence(store, runId)))).flat()) {
    const after = change(evidence.body);
    if (after === undefined) continue;
    const body = { ...evidence.body, ...after };
    ids.set(evidence.id, hashJson(body));
    added.push([hashJson(body), encodeCbor({ ...evidence, id: hashJson(body), body })]);
  }
  const moved = (id: string): string => ids.get(id) ?? id;
  return withRows(house, device, {
    ev: (id, row) => (ids.has(id) ? added.filter(([name]) => name === ids.get(id)) : renamedIn(row, moved)),
    evrun: (_key, row) => encodeCbor(moved(String(decodeCbor(row)))),
    run: editRuns(({ evidence }) => ({ evidence: evidence.map(moved) })),
  });
}

/** A decision of the guard names what it accepted. */
function renamedIn(row: Uint8Array, moved: (id: string) => string): Uint8Array {
  const evidence = decodeCbor(row) as Evidence;
  const payload = evidence.body.payload as JsonObject | undefined;
  if (evidence.body.kind !== "guard_decision" || !Array.isArray(payload?.valid)) return row;
  const valid = payload.valid.map((id: Json) => moved(String(id)));
  return encodeCbor({ ...evidence, body: { ...evidence.body, payload: { ...payload, valid } } });
}

/** The first run that switched an output on. */
export async function runWithEffect(device: ObservedDevice, output: string): Promise<RunRecord> {
  const { runs } = await readFacts(device);
  const run = runs.find(({ outcome }) =>
    outcome.effects.some(
      ({ args, outcome: end }) =>
        end === "ok" && (args as JsonObject).output === output && (args as JsonObject).value !== 0,
    ),
  );
  if (!run) throw new Error(`No run drove ${output}.`);
  return run;
}

export const facts = (device: ObservedDevice): Promise<DeviceFacts> => readFacts(device);

const STRANGER = keyPairFromSeed(new Uint8Array(32).fill(9));

/** The accepted `run.start` as if its message had been another one: signed by the operator or by a stranger. */
export async function otherCommand(
  house: ObservedHouse,
  change: JsonObject,
  signer: "operator" | "stranger" = "operator",
): Promise<Change> {
  const { observations, first } = house;
  const sent = observations.sent.find(
    ({ device, name }) => device === first.deviceId && name === "run.start",
  );
  const operator = observations.operators[0];
  if (!sent || !operator) throw new Error("Nothing was sent.");
  const envelope = JSON.parse(new TextDecoder().decode(sent.message)) as DsseEnvelope;
  const command = { ...(JSON.parse(atob(envelope.payload)) as JsonObject), ...change };
  const pair = signer === "operator" ? (operator.key.pair as typeof STRANGER) : STRANGER;
  const keyId = signer === "operator" ? operator.key.keyId : keyIdOf(STRANGER.publicKeyHex);
  const other = signStatement("application/vnd.imu.command+json", command, [{ keyId, pair }]);
  const message = utf8(canonicalize(other));
  const device = await tampered(first, {
    lg: editEntries(({ event: { data } }) =>
      data.commandId === sent.id ? { data: { ...data, requestHash: sha256Hex(jcs(command)) } } : undefined,
    ),
  });
  return {
    ...withDevice(house, device),
    sent: observations.sent.map((one) => (one.id === sent.id ? { ...one, message } : one)),
    messages: observations.messages.map((one) =>
      one.topic.endsWith("/cmd") && new TextDecoder().decode(one.payload).includes(envelope.payload)
        ? { ...one, payload: message }
        : one,
    ),
  };
}

/** Receipts as the operator would hold them. */
export function withReceipts(
  { observations }: ObservedHouse,
  change: (receipt: Observations["operators"][number]["receipts"][number]) => JsonObject | undefined,
): Change {
  return {
    operators: observations.operators.map(({ key, receipts }) => ({
      key,
      receipts: receipts.map((one) => {
        const after = change(one);
        return after === undefined ? one : { ...one, receipt: { ...one.receipt, ...after } };
      }),
    })),
  };
}

export const base64 = (bytes: Uint8Array): string => toBase64(bytes);
export const json = (value: Json): Uint8Array => utf8(JSON.stringify(value));
