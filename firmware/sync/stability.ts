/** What every member has, where snapshots are cut, and the order of import checks (sync.md 6). */
export interface Acknowledgement {
  readonly seq: number;
  readonly hash: string;
}
export type PerOrigin<T> = ReadonlyMap<string, T>;

export interface StabilityInput {
  /** Members that are neither revoked nor dormant. */
  readonly members: readonly string[];
  /** Per origin the hash held here for each sequence number. */
  readonly held: PerOrigin<ReadonlyMap<number, string>>;
  readonly acks: ReadonlyMap<string, PerOrigin<Acknowledgement>>;
  /** Per member and origin the last acknowledgement whose hash was verified. */
  readonly verifiedBefore: ReadonlyMap<string, PerOrigin<number>>;
}

/** An acknowledgement counts up to its number only where its hash is the one held here. */
export function verifiedAck(input: StabilityInput, member: string, origin: string): number {
  const before = input.verifiedBefore.get(member)?.get(origin) ?? 0;
  const ack = input.acks.get(member)?.get(origin);
  if (ack === undefined || input.held.get(origin)?.get(ack.seq) !== ack.hash) return before;
  return Math.max(before, ack.seq);
}

/** Per origin the number up to which all members and this device agree. */
export function stableCut(input: StabilityInput): Map<string, number> {
  const cut = new Map<string, number>();
  for (const [origin, hashes] of input.held) {
    const own = Math.max(0, ...hashes.keys());
    cut.set(origin, Math.min(own, ...input.members.map((member) => verifiedAck(input, member, origin))));
  }
  return cut;
}

export const SNAPSHOT_ALIGN = 64;

/** Multiples of 64, so that replicas agree on where snapshots are taken. */
export const snapshotCut = (stable: PerOrigin<number>, align = SNAPSHOT_ALIGN): Map<string, number> =>
  new Map([...stable].map(([origin, seq]) => [origin, Math.floor(seq / align) * align]));

export interface SnapshotFacts {
  readonly parsed: boolean;
  readonly version: number;
  readonly sealOk: boolean;
  readonly signatureOk: boolean;
  readonly fleet: string;
  readonly ownFleet: string;
  readonly subject?: string;
  /** Set when the caller imports one subject only. */
  readonly expectedSubject?: string;
}

/** The first failing check of an import, or `ok`. */
export function judgeSnapshot(facts: SnapshotFacts): string {
  if (!facts.parsed) return "snapshot_format_invalid";
  if (facts.version !== 1) return "snapshot_version_unknown";
  if (!facts.sealOk) return "snapshot_seal_invalid";
  if (!facts.signatureOk) return "snapshot_signature_invalid";
  if (facts.fleet !== facts.ownFleet) return "snapshot_fleet_mismatch";
  if (facts.expectedSubject !== undefined && facts.subject !== facts.expectedSubject)
    return "snapshot_subject_mismatch";
  return "ok";
}
