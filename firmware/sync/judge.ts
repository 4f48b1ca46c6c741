/** The receiving checks of a batch in their fixed order (sync.md 4.3). Pure: every replica judges alike. */
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { compareStamps, deviceOfReplica, MAX_DRIFT_MS, parseStamp } from "./hlc.ts";

export const MAX_BATCH_BYTES = GOSSIP_LIMITS.batchBytes;

export type VoidCode = "hlc_backwards" | "roster_backwards" | "writer_denied" | "delta_invalid";
export type Verdict =
  | { readonly decision: "apply" | "duplicate" | "equivocation" }
  | { readonly decision: "refuse" | "hold" | "void"; readonly code: string };

/** What the checks look at. Costly facts are functions, so that a cheaper refusal comes first. */
export interface BatchFacts {
  /** Size of the message as received. */
  readonly bytes: number;
  readonly origin: string;
  readonly fleet: string;
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
  readonly hlc: string;
  readonly roster: number;
  /** True iff the origin's device signed it with the algorithm of its roster key. */
  readonly isSigned: () => boolean;
  /** Writers, types and delta schema under the named roster; null when all hold. */
  readonly contentFault: () => "writer_denied" | "delta_invalid" | null;
}

export interface OriginView {
  readonly seq: number;
  readonly hash: string;
  /** Stamp and roster version of the batch at the head, null if unknown. */
  readonly hlc: string | null;
  readonly roster: number | null;
}

export interface ReceiveView {
  readonly fleet: string;
  readonly wallMs: number;
  /** Null when the device is not in the roster; `cut` is set once it is revoked or suspended. */
  readonly device: (id: string) => { readonly cut: Readonly<Record<string, number>> | null } | null;
  readonly head: (origin: string) => OriginView | null;
  /** The hash held for a sequence number, undefined when it is no longer kept. */
  readonly hashAt: (origin: string, seq: number) => string | undefined;
  /** First excluded sequence number, null when nothing is. */
  readonly excludedFrom: (origin: string) => number | null;
  readonly knowsRoster: (version: number) => boolean;
}

const refuse = (code: string): Verdict => ({ decision: "refuse", code });
const hold = (code: string): Verdict => ({ decision: "hold", code });
const voided = (code: VoidCode): Verdict => ({ decision: "void", code });

function judgeOrigin(facts: BatchFacts, view: ReceiveView): Verdict | null {
  if (facts.bytes > MAX_BATCH_BYTES) return refuse("message_too_large");
  const device = view.device(deviceOfReplica(facts.origin) ?? "");
  if (device === null) return refuse("peer_unknown");
  if (!facts.isSigned()) return refuse("bad_signature");
  if (facts.fleet !== view.fleet) return refuse("wrong_fleet");
  if (device.cut !== null) {
    const lastCounted = Object.hasOwn(device.cut, facts.origin) ? (device.cut[facts.origin] ?? 0) : 0;
    if (facts.seq > lastCounted) return refuse("peer_revoked");
  }
  const excludedFrom = view.excludedFrom(facts.origin);
  return excludedFrom !== null && facts.seq >= excludedFrom ? refuse("origin_excluded") : null;
}

function judgeChain(facts: BatchFacts, view: ReceiveView, head: OriginView): Verdict | null {
  if (facts.seq <= head.seq) {
    const held = view.hashAt(facts.origin, facts.seq);
    return { decision: held === undefined || held === facts.hash ? "duplicate" : "equivocation" };
  }
  if (facts.seq !== head.seq + 1) return hold("sequence_gap");
  return facts.prev === head.hash ? null : hold("chain_break");
}

/** The first check that does not hold decides. */
export function judgeBatch(facts: BatchFacts, view: ReceiveView): Verdict {
  const head = view.head(facts.origin) ?? { seq: 0, hash: "", hlc: null, roster: null };
  const early = judgeOrigin(facts, view) ?? judgeChain(facts, view, head);
  if (early !== null) return early;
  if (!view.knowsRoster(facts.roster)) return hold("roster_newer");
  const stamp = parseStamp(facts.hlc);
  if (stamp !== null && stamp.ms > view.wallMs + MAX_DRIFT_MS) return hold("clock_ahead");
  if (head.hlc !== null && compareStamps(facts.hlc, head.hlc) < 0) return voided("hlc_backwards");
  if (head.roster !== null && facts.roster < head.roster) return voided("roster_backwards");
  const fault = facts.contentFault();
  return fault === null ? { decision: "apply" } : voided(fault);
}
