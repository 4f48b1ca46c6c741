/** The content store ("CAS") and the evidence sublevels over the store port (evidence.md 2). */
import { jcs } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import type { SealKeys } from "./envelope.ts";
import { findEvidence, readRunEvidence } from "./stored-evidence.ts";
import type { Evidence } from "./types.ts";

export const CAS = "cas";
export const LINKS = "caslink";
const SET_ASIDE = "casbad";
/** `cas.maxBlobBytes`. */
export const MAX_BLOB_BYTES = EVIDENCE_LIMITS.blobBytes;

const LINK_NAME = /^[a-z0-9_./-]{1,128}$/;

export interface Link {
  readonly sha256: string;
  /** ms since the epoch. */
  readonly ts: number;
  readonly note: string;
}

export interface ContentStoreOptions {
  readonly store: Store;
  /** ms since the epoch, stamped on links. */
  readonly wallMs: () => number;
  readonly maxBlobBytes?: number;
  /** Keys of this device's seals; without them packed evidence has the seal of its run. */
  readonly seals?: SealKeys;
  /** Alert `cas_corrupt`. */
  readonly onCorrupt?: (sha256: string) => void;
}

export interface StagedBlob {
  readonly sha256: string;
  readonly ops: readonly StoreOp[];
}

const notFound = (what: string): CodedError =>
  new CodedError("not_found", `The content store has no ${what}.`, { status: 404, details: { name: what } });

/** The operation that stores a blob. @throws CodedError `too_large` (422) before anything is written. */
export function stageBlob(bytes: Uint8Array, maxBytes: number = MAX_BLOB_BYTES): StagedBlob {
  if (bytes.length > maxBytes) {
    throw new CodedError("too_large", `A blob may have ${maxBytes} bytes, this one has ${bytes.length}.`, {
      status: 422,
      details: { bytes: bytes.length, max: maxBytes },
    });
  }
  const sha256 = sha256Hex(bytes);
  return { sha256, ops: [put(CAS, sha256, bytes)] };
}

/** Write-once blobs by digest; every read re-hashes, and a corrupt blob is never served. */
export class ContentStore {
  readonly #store: Store;
  readonly #wallMs: () => number;
  readonly #maxBlobBytes: number;
  readonly #onCorrupt: (sha256: string) => void;
  readonly #seals: SealKeys | null;

  constructor(options: ContentStoreOptions) {
    this.#store = options.store;
    this.#wallMs = options.wallMs;
    this.#maxBlobBytes = options.maxBlobBytes ?? MAX_BLOB_BYTES;
    this.#onCorrupt = options.onCorrupt ?? (() => undefined);
    this.#seals = options.seals ?? null;
  }

  /** The operations for an atomic batch of the caller. @throws CodedError `too_large`. */
  stage(bytes: Uint8Array): StagedBlob {
    return stageBlob(bytes, this.#maxBlobBytes);
  }

  /** Idempotent. @throws CodedError `too_large`. */
  async put(bytes: Uint8Array): Promise<string> {
    const { sha256, ops } = this.stage(bytes);
    await this.#store.batch(ops, { sync: false });
    return sha256;
  }

  /** Stores the RFC 8785 bytes, so the key order of the input is irrelevant. */
  putJson(value: unknown): Promise<string> {
    return this.put(jcs(value));
  }

  /** @throws CodedError `not_found` (404), `integrity_error` (500) after setting a corrupt blob aside. */
  async get(sha256: string): Promise<Uint8Array> {
    const bytes = await this.#store.get(CAS, sha256);
    if (!bytes) throw notFound(sha256);
    if (sha256Hex(bytes) === sha256) return bytes;
    await this.#store.batch([put(SET_ASIDE, sha256, bytes), del(CAS, sha256)], { sync: true });
    this.#onCorrupt(sha256);
    throw new CodedError("integrity_error", "A stored blob no longer has its digest; it was set aside.", {
      details: { sha256 },
    });
  }

  /**
   * Names a digest. @throws CodedError `not_found` for an unknown digest, `malformed` (400) for a bad name.
   */
  async link(name: string, sha256: string, note = ""): Promise<void> {
    if (!LINK_NAME.test(name)) {
      throw new CodedError("malformed", "A link name has 1 to 128 characters of a-z 0-9 _ . / -.", {
        status: 400,
      });
    }
    if (!(await this.#store.get(CAS, sha256))) throw notFound(sha256);
    const link: Link = { sha256, ts: this.#wallMs(), note };
    await this.#store.batch([put(LINKS, name, encodeCbor(link))], { sync: false });
  }

  /** @throws CodedError `not_found`, `store_corrupt`. */
  async resolve(name: string): Promise<Link> {
    const bytes = await this.#store.get(LINKS, name);
    if (!bytes) throw notFound(name);
    const link = decodeCbor(bytes);
    if (!isJsonObject(link)) throw corrupt(name);
    const { sha256, ts, note } = link;
    if (typeof sha256 !== "string" || typeof ts !== "number" || typeof note !== "string") throw corrupt(name);
    return { sha256, ts, note };
  }

  /** The envelope of an id, unverified; undefined if there is none. @throws CodedError `store_corrupt`. */
  evidence(id: string): Promise<Evidence | undefined> {
    return findEvidence(this.#store, id, this.#seals);
  }

  /** The envelopes of a run in order of recording. @throws CodedError `store_corrupt` if one is missing. */
  evidenceOfRun(runId: string): Promise<readonly Evidence[]> {
    return readRunEvidence(this.#store, runId, this.#seals);
  }
}

function corrupt(key: string): CodedError {
  return new CodedError("store_corrupt", "A record of the evidence store is malformed or missing.", {
    details: { key },
  });
}
