/** The signed answer to a command (trust.md 7.3). */
import { utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { signStatement } from "../core/dsse.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import type { JsonObject } from "../core/json.ts";
import { keyIdOf } from "../core/key-record.ts";
import { RECEIPT_TYPE } from "./command-format.ts";

export type ReceiptOutcome = "done" | "refused" | "dry_run" | "interrupted" | "accepted";

export interface Receipt {
  readonly schema: "imu.receipt/1";
  readonly commandId: string;
  readonly commandHash: string;
  readonly device: string;
  readonly outcome: ReceiptOutcome;
  readonly code: string;
  readonly status: number;
  readonly details: JsonObject;
  /** The entry that records the command; null only in the generic answer to an unknown sender. */
  readonly ledger: { readonly seq: number; readonly hash: string } | null;
  readonly policyHash: string | null;
  /** Wall ms. */
  readonly at: number;
}

/** The DSSE envelope of a receipt as the bytes that are published. */
export function signReceipt(receipt: Receipt, deviceKey: Ed25519KeyPair): Uint8Array {
  const signer = { keyId: keyIdOf(deviceKey.publicKeyHex), pair: deviceKey };
  return utf8(canonicalize(signStatement(RECEIPT_TYPE, receipt, [signer])));
}
