/** What a device has told others about its ledger: checkpoints, statuses and receipts (ledger.md 5, 9; trust.md 7.3). */
import { concat, fromBase64, fromUtf8, toHex, utf8 } from "../../../firmware/core/bytes.ts";
import { verifyEd25519 } from "../../../firmware/core/ed25519.ts";
import { sha256 } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { ledgerSub } from "./epochs.ts";
import { type DeviceFacts, parseObject } from "./facts.ts";
import { type BrokerMessage, type InvariantContext, isFrom, type ObservedDevice } from "./invariant.ts";
import { objectAt } from "./policy-view.ts";

export interface NoteClaim {
  readonly size: number;
  readonly root: Uint8Array;
  readonly origin: string;
  readonly isSigned: boolean;
}

/** Reads a C2SP note of a log of this key; null for other text. The key name is the origin (ledger.md 5). */
export function readNote(text: string, publicKeyHex: string): NoteClaim | null {
  const split = text.lastIndexOf("\n\n");
  if (split < 0) return null;
  const body = text.slice(0, split + 1);
  const [origin = "", size = "", root = ""] = body.split("\n");
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size) || root === "") return null;
  const key = concat(Uint8Array.of(1), Uint8Array.from(Buffer.from(publicKeyHex, "hex")));
  const keyId = toHex(sha256(utf8(`${origin}\n`), key).subarray(0, 4));
  const isSigned = text
    .slice(split + 2)
    .split("\n")
    .some((line) => {
      const [dash, name, blob] = line.split(" ");
      if (dash !== "—" || name !== origin || blob === undefined) return false;
      const bytes = fromBase64(blob);
      return (
        toHex(bytes.subarray(0, 4)) === keyId && verifyEd25519(publicKeyHex, utf8(body), bytes.subarray(4))
      );
    });
  return { size: Number(size), root: fromBase64(root), origin, isSigned };
}

export interface StoredNote {
  readonly size: number;
  readonly claim: NoteClaim | null;
}

export async function storedNotes({ store, epoch, device }: DeviceFacts): Promise<readonly StoredNote[]> {
  const notes: StoredNote[] = [];
  for await (const [key, bytes] of store.range(ledgerSub("lgcp", epoch)))
    notes.push({ size: Number(key), claim: readNote(fromUtf8(bytes), device.publicKey) });
  return notes;
}

/** {size, lastHash} of the log, or {index, hash} of one entry, as somebody outside has it from the device. */
export interface EntryClaim {
  readonly index: number;
  readonly hash: string;
  readonly atUs: number;
  readonly by: string;
}

const isText = (value: unknown): value is string => typeof value === "string";

function statusClaim({ atUs, payload, topic }: BrokerMessage): EntryClaim | null {
  let body: JsonObject;
  try {
    body = parseObject(payload);
  } catch {
    return null; // Not JSON: a status that says nothing of the ledger; its form is judged elsewhere.
  }
  const { size, hash } = objectAt(body, "ledger");
  return typeof size === "number" && size > 0 && isText(hash)
    ? { index: size - 1, hash, atUs, by: topic }
    : null;
}

/** Everything that others hold of a device and that names an entry of its log. */
export function entryClaims(
  { messages, operators, fleet }: InvariantContext,
  observed: ObservedDevice,
): readonly EntryClaim[] {
  const { deviceId } = observed;
  const statusTopic = `imu/v1/${fleet}/${deviceId}/status`;
  const statuses = messages
    .filter((message) => message.topic === statusTopic && isFrom(message, observed))
    .map(statusClaim)
    .filter((claim) => claim !== null);
  const receipts = operators.flatMap((operator) =>
    operator.receipts.flatMap(({ device, receipt, atUs }) =>
      device === deviceId && receipt.ledger !== null
        ? [
            {
              index: receipt.ledger.seq,
              hash: receipt.ledger.hash,
              atUs,
              by: `receipt of ${receipt.commandId}`,
            },
          ]
        : [],
    ),
  );
  return [...statuses, ...receipts];
}

/** Checkpoint notes that left the device in messages of any form: as text, or inside a JSON body. */
export function publishedNotes(
  { messages }: InvariantContext,
  { device }: DeviceFacts,
): readonly (NoteClaim & { readonly atUs: number })[] {
  const found: (NoteClaim & { readonly atUs: number })[] = [];
  for (const message of messages) {
    const { payload, atUs } = message;
    if (!isFrom(message, device) || !holdsNote(payload)) continue;
    for (const text of textsOf(payload)) {
      const claim = readNote(text, device.publicKey);
      if (claim !== null) found.push({ ...claim, atUs });
    }
  }
  return found;
}

const holdsNote = (payload: Uint8Array): boolean =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.length).includes("imu.invalid/");

function textsOf(payload: Uint8Array): readonly string[] {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("utf8");
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? Object.values(body).filter(isText) : [];
  } catch {
    return [text]; // Not JSON: the note itself.
  }
}
