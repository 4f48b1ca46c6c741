/** What a ledger is opened with. */
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { originOf } from "./checkpoint.ts";
import type { Layout } from "./layout.ts";
import { TYPE_ED25519, type VerifierKey, verifierKey } from "./note.ts";
import type { LogState } from "./sealed.ts";
import type { KnownTree, SignedTree } from "./start.ts";

/** Reserved by RFC 2606, so that an origin cannot collide with a real name. */
const DEFAULT_AUTHORITY = "imu.invalid";

export interface LedgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fleet: string;
  readonly device: string;
  /** `ledger.authority`. */
  readonly authority?: string;
  /** The lowest epoch to use; a higher stored one wins. */
  readonly epoch?: number;
  /** The last checkpoint that this device is known to have signed, from outside of the store. */
  readonly known?: KnownTree | null;
  /** True after a database was rescued: an empty log is then a lost one, and the next epoch begins. */
  readonly mustContinue?: boolean;
  /** 32 bytes; seals head, anchor and the last signed checkpoint. */
  readonly headKey: Uint8Array;
  /** The device key: signs checkpoints. */
  readonly signer: Ed25519KeyPair;
  /** Earlier device keys, for checkpoints signed before a rotation; public keys, hex. */
  readonly retiredKeys?: readonly string[];
  /** Marks every entry with `sim: true`. */
  readonly simulated: boolean;
  readonly groupCommitMs?: number;
  readonly log?: Log;
  /** Called after every group commit that could not be made durable. */
  readonly onFailed?: () => void;
}

/** How the log was found when it was opened. */
export interface OpenedAs {
  readonly is: "ready" | "repaired" | "new_epoch";
  readonly details: JsonObject;
}

/** What a log that was opened begins with. */
export interface Opened {
  readonly options: LedgerOptions;
  readonly epoch: number;
  readonly layout: Layout;
  readonly state: LogState;
  readonly signed: SignedTree;
  readonly openedAs: OpenedAs;
}

/** The origin of one epoch. @throws CodedError `bad_checkpoint` if a part cannot be in an origin. */
export const originAt = (options: LedgerOptions, epoch: number): string =>
  originOf(options.authority ?? DEFAULT_AUTHORITY, options.fleet, options.device, epoch);

/** The present key of the log and the retired ones. */
export function logKeysOf(origin: string, options: LedgerOptions): VerifierKey[] {
  const keys = [options.signer.publicKeyHex, ...(options.retiredKeys ?? [])];
  return keys.map((publicKeyHex) => verifierKey(origin, TYPE_ED25519, publicKeyHex));
}
