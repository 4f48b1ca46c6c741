import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import type { AsyncRoundSettings } from "../../lib/async-rounds.ts";

export const PARTS = ["append", "verify", "proof", "disk", "day"] as const;
export type Part = (typeof PARTS)[number];

export interface LedgerSettings extends AsyncRoundSettings {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly Part[];
  /** Entries of one append. */
  readonly groups: readonly number[];
  readonly verifyEntries: number;
  readonly proofEntries: number;
  readonly proofs: number;
  /** Entries whose bytes on the disk are counted, and how many groups at most. */
  readonly diskEntries: number;
  readonly diskGroups: number;
  /** Times faster than the clock, and how many minutes of the device's time. */
  readonly dayFactor: number;
  readonly dayMinutes: number;
  /** Where the logs lie: the disk that is measured. */
  readonly dir: string;
}

const isPart = (name: string): name is Part => PARTS.some((part) => part === name);

function partsOf(text: string | undefined): readonly Part[] {
  if (text === undefined) return PARTS;
  return text.split(",").map((name) => {
    if (isPart(name)) return name;
    throw new Error(`Unknown part: ${name}. Known: ${PARTS.join(", ")}`);
  });
}

/** @throws Error for an option or part that does not exist. */
export function ledgerSettings(args: readonly string[]): LedgerSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      groups: { type: "string", default: "1,32,100,256" },
      rounds: { type: "string" },
      "round-ms": { type: "string" },
      entries: { type: "string" },
      dir: { type: "string" },
    },
  });
  const { json, quick } = values;
  return {
    json,
    quick,
    only: partsOf(values.only),
    groups: values.groups.split(",").map(Number),
    rounds: Number(values.rounds ?? (quick ? 2 : 5)),
    roundMs: Number(values["round-ms"] ?? (quick ? 150 : 1000)),
    warmupMs: quick ? 50 : 500,
    verifyEntries: quick ? 10_000 : 100_000,
    proofEntries: Number(values.entries ?? (quick ? 20_000 : 1_000_000)),
    proofs: quick ? 100 : 1000,
    diskEntries: quick ? 20_000 : 500_000,
    diskGroups: quick ? 200 : 5000,
    dayFactor: 20,
    dayMinutes: quick ? 2 : 10,
    dir: values.dir ?? tmpdir(),
  };
}
