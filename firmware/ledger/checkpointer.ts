/** Signing checkpoints: never two of one origin that are not consistent (ledger.md 5). */
import { fromUtf8, toHex, utf8 } from "../core/bytes.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { type Checkpoint, signCheckpoint } from "./checkpoint.ts";
import { indexKey, type Layout, SINGLE } from "./layout.ts";
import { parseNote, signatureLine, type VerifierKey, verifySignatures } from "./note.ts";
import { type LogState, sameBytes, seal } from "./sealed.ts";
import { NOTHING_SIGNED, type SignedTree } from "./start.ts";

/**
 * Refuses what would contradict the last signed checkpoint.
 * @throws CodedError `checkpoint_regression` (500) for a smaller tree, or the same size with another root.
 */
export function assertNoRegression(last: SignedTree, next: SignedTree): void {
  const isOther = next.size === last.size && last.size > 0 && !sameBytes(next.root, last.root);
  if (next.size < last.size || isOther) {
    throw new CodedError("checkpoint_regression", "A signed checkpoint contradicts the present log.", {
      details: { signedSize: last.size, size: next.size },
    });
  }
}

/** Holds what was signed last; what it returns has been persisted, synced, before. */
export class Checkpointer {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #origin: string;
  readonly #signer: Ed25519KeyPair;
  readonly #headKey: Uint8Array;
  #last: SignedTree;
  readonly #listeners: ((checkpoint: Checkpoint) => void)[] = [];

  constructor(options: {
    readonly store: Store;
    readonly layout: Layout;
    readonly origin: string;
    readonly signer: Ed25519KeyPair;
    readonly headKey: Uint8Array;
    readonly last?: SignedTree;
  }) {
    this.#store = options.store;
    this.#layout = options.layout;
    this.#origin = options.origin;
    this.#signer = options.signer;
    this.#headKey = options.headKey;
    this.#last = options.last ?? NOTHING_SIGNED;
  }

  /** Size of the last signed checkpoint. */
  get covered(): number {
    return this.#last.size;
  }

  /** @param listener is told of every new checkpoint once it is durable; it must not throw. */
  onSigned(listener: (checkpoint: Checkpoint) => void): void {
    this.#listeners.push(listener);
  }

  async #storedNote(size: number): Promise<string | null> {
    const row = await this.#store.get(this.#layout.checkpoints, indexKey(size));
    return row === undefined ? null : fromUtf8(row);
  }

  /**
   * @param state durable state: every entry in it is synced.
   * @throws CodedError `checkpoint_regression`, storage codes.
   */
  async sign(state: LogState): Promise<string> {
    const next: SignedTree = { size: state.size, root: state.range.root() };
    assertNoRegression(this.#last, next);
    if (next.size === this.#last.size) {
      // The stored note may carry cosignatures by now; it is not replaced by a bare one.
      const stored = await this.#storedNote(next.size);
      if (stored !== null) return stored;
    }
    const note = signCheckpoint({ origin: this.#origin, ...next }, this.#signer);
    const body = { size: next.size, root: toHex(next.root) };
    const ops: StoreOp[] = [
      put(this.#layout.signed, SINGLE, seal("signed", this.#headKey, body)),
      put(this.#layout.checkpoints, indexKey(next.size), utf8(note)),
    ];
    await this.#store.batch(ops, { sync: true });
    this.#last = next;
    for (const listener of this.#listeners) listener({ origin: this.#origin, ...next });
    return note;
  }

  /**
   * Stores a checkpoint's note with the valid lines of trusted witnesses, each once.
   * @throws CodedError `bad_checkpoint` if no checkpoint has this size; `bad_note`, `bad_signature`; storage codes.
   */
  async addCosignatures(
    size: number,
    lines: readonly string[],
    witnessKeys: readonly VerifierKey[],
  ): Promise<string> {
    const stored = await this.#storedNote(size);
    if (stored === null) {
      throw new CodedError("bad_checkpoint", "There is no checkpoint of this size.", { details: { size } });
    }
    const { text, signatures } = parseNote(stored);
    const names = new Set(signatures.map(({ name }) => name));
    let note = stored;
    for (const line of lines) {
      const [valid] = verifySignatures(parseNote(`${text}\n${line}`), witnessKeys);
      if (valid === undefined || names.has(valid.key.name)) continue;
      names.add(valid.key.name);
      note += signatureLine(valid.key, valid.signature);
    }
    if (note !== stored) {
      parseNote(note);
      await this.#store.batch([put(this.#layout.checkpoints, indexKey(size), utf8(note))], { sync: true });
    }
    return note;
  }
}
