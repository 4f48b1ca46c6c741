/**
 * Fingerprints of what others may one day have to compare: each checkpoint, each activated policy, the roster, each export
 * (ledger.md 9). They leave through the outbox as events; of waiting checkpoints only the newest is kept.
 */
import { policyOfRelease } from "../../ota/index.ts";
import { toBase64 } from "../core/bytes.ts";
import { codeOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { FleetPublisher, Staged } from "../fleet/index.ts";
import { type Checkpoint, type DocumentFingerprint, fingerprintOf } from "../ledger/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { Log } from "../ports/log.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { DeviceState } from "./state.ts";

/** Name of the event of a checkpoint, a topic of its own, so that a newer one can take its place. */
const CHECKPOINT_EVENT = "checkpoint";
const DOCUMENT_EVENT = "fingerprint";

/** The document that a checkpoint's fingerprint is taken of. */
export const checkpointDocument = ({ origin, size, root }: Checkpoint): JsonObject => ({
  _type: "checkpoint",
  origin,
  size,
  root: toBase64(root),
});

/** Entries [from, to) in a file with this digest and number of bytes. */
export interface ExportFacts {
  readonly from: number;
  readonly to: number;
  readonly sha256: string;
  readonly size: number;
}

/** Records that somebody took a copy of the log, and tells its fingerprint. @throws CodedError `ledger_unavailable`. */
export async function recordExport(parts: DeviceParts, facts: ExportFacts): Promise<void> {
  const { from, to, sha256 } = facts;
  const event: LedgerEvent = {
    kind: "export",
    actor: "daemon",
    severity: "info",
    data: { from, to, sha256 },
  };
  await parts.state.ledger.commit({ events: [event], ops: [] }, { urgent: true });
  await parts.fingerprints?.exported(facts);
}

type Queued = Pick<Staged, "ops" | "confirm" | "cancel">;

export class Fingerprints {
  readonly #state: DeviceState;
  readonly #publisher: FleetPublisher;
  readonly #log: Log;

  constructor(parts: {
    readonly state: DeviceState;
    readonly publisher: FleetPublisher;
    readonly log: Log;
  }) {
    this.#state = parts.state;
    this.#publisher = parts.publisher;
    this.#log = parts.log;
  }

  /** Every checkpoint that is signed from now on. */
  start(): void {
    this.#state.ledger.onCheckpoint((checkpoint) => {
      const event = { name: CHECKPOINT_EVENT, index: checkpoint.size - 1 };
      void this.#send(fingerprintOf(checkpointDocument(checkpoint)), event);
    });
  }

  /** The policy of a release that was put in force. */
  async policy(releaseHash: string): Promise<void> {
    const document = await policyOfRelease(this.#state.store, releaseHash);
    if (document !== null) await this.document(document);
  }

  /** @param document as it is stored; its newest entry is what it is anchored to. */
  async document(document: JsonObject): Promise<void> {
    await this.#send(fingerprintOf(document), { name: DOCUMENT_EVENT, index: this.#lastIndex() });
  }

  /** A file that was exported. */
  async exported({ to, sha256, size }: ExportFacts): Promise<void> {
    await this.#send({ kind: "export", sha256, size }, { name: DOCUMENT_EVENT, index: to - 1 });
  }

  #lastIndex(): number {
    return Math.max(0, this.#state.ledger.head.size - 1);
  }

  /** A fingerprint that cannot be queued stops nothing: the outbox counts its losses. */
  async #send(
    print: DocumentFingerprint,
    { name, index }: { readonly name: string; readonly index: number },
  ): Promise<void> {
    const { ledger, clock } = this.#state;
    const data = { type: "fingerprint", ...print, ts: clock.wallMs(), origin: ledger.origin, index };
    try {
      const options = name === CHECKPOINT_EVENT ? { supersedes: true as const } : {};
      await this.#commit(this.#stage(name, print.sha256, data, options));
    } catch (error) {
      this.#log.warn("fingerprint_unqueued", { kind: print.kind, code: codeOf(error) });
    }
  }

  /** A document that waits already, with an older time, is not queued again. */
  #stage(...draft: Parameters<FleetPublisher["stageEvent"]>): Queued {
    try {
      return this.#publisher.stageEvent(...draft);
    } catch (error) {
      if (codeOf(error) !== "idempotency_conflict") throw error;
      return { ops: [], confirm: () => undefined, cancel: () => undefined };
    }
  }

  async #commit(staged: Queued): Promise<void> {
    try {
      if (staged.ops.length > 0) await this.#state.ledger.commit({ events: [], ops: staged.ops });
    } catch (error) {
      staged.cancel();
      throw error;
    }
    staged.confirm();
  }
}
