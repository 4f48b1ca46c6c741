/** Signing keys as the signed lists name them (trust.md 2). The algorithm belongs to the record, never to a message. */
import { fromHex } from "./bytes.ts";
import { hashJson, sha256Hex } from "./hash.ts";

export type Scope = "command" | "deploy" | "rollup" | "respond" | "emergency" | "delegate";
export const SCOPES: readonly Scope[] = ["command", "deploy", "rollup", "respond", "emergency", "delegate"];

export interface KeyRecord {
  readonly keyId: string;
  /** 32 bytes, lower-case hex. */
  readonly publicKey: string;
  readonly alg: "ed25519";
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** `*`, device ids or `group:<name>`. */
  readonly audience: "*" | readonly string[];
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly status: "active" | "retired" | "revoked";
  readonly retiredAt: number | null;
  readonly revokedAt: number | null;
  readonly reason: string | null;
}

/** The TUF key id of a raw public key: SHA-256 of the canonical key object. */
export const keyIdOf = (publicKeyHex: string): string =>
  hashJson({ keytype: "ed25519", keyval: { public: publicKeyHex }, scheme: "ed25519" });

/** `imu-` and the first 16 hex digits of SHA-256 of the raw public key (trust.md 8). */
export const deviceIdOf = (publicKeyHex: string): string =>
  `imu-${sha256Hex(fromHex(publicKeyHex)).slice(0, 16)}`;
