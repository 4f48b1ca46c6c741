/** Where the ledger keeps its rows (ledger.md 3). Epoch 0 has the plain names; a later epoch has its own sublevels. */
import { CodedError } from "../core/errors.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import type { NodeId } from "./tree.ts";

const BASES = [
  "lg",
  "lgn",
  "lgcp",
  "lghead",
  "lganchor",
  "lgkeep",
  "lgx",
  "lgsigned",
  "lgbad",
  "lgtime",
] as const;

/** The names of the sublevels of one epoch. */
export interface Layout {
  readonly entries: string;
  /** Hashes of the tree whose bodies are pruned; those of stored entries lie with them. */
  readonly nodes: string;
  readonly checkpoints: string;
  readonly head: string;
  readonly anchor: string;
  readonly kept: string;
  readonly byKind: string;
  /** {size, root} of the last signed checkpoint, which no later one may contradict. */
  readonly signed: string;
  /** Damaged rows, set aside. */
  readonly damaged: string;
  /** When notes were signed whose last entry is pruned, when was pruned, and how far retention has come. */
  readonly times: string;
}

/** The single row of `lghead`, `lganchor` and `lgsigned`. */
export const SINGLE = "0";
/** Holds the number of the present epoch. */
export const EPOCH_SUB = "lgepoch";

export function layoutOf(epoch: number): Layout {
  const name = (base: (typeof BASES)[number]): string => (epoch === 0 ? base : `${base}.${epoch}`);
  return {
    entries: name("lg"),
    nodes: name("lgn"),
    checkpoints: name("lgcp"),
    head: name("lghead"),
    anchor: name("lganchor"),
    kept: name("lgkeep"),
    byKind: name("lgx"),
    signed: name("lgsigned"),
    damaged: name("lgbad"),
    times: name("lgtime"),
  };
}

const reserved = new Set<string>([...BASES, EPOCH_SUB]);

/** Whether a sublevel belongs to the ledger, in any epoch. */
export const isLedgerSub = (sub: string): boolean => reserved.has(sub.split(".")[0] ?? sub);

/** 12 digits, so that byte order is numeric order. @throws CodedError `ledger_unavailable` beyond 12 digits. */
export function indexKey(index: number): string {
  if (!(index >= 0 && index <= LEDGER_LIMITS.index)) {
    throw new CodedError("ledger_unavailable", "The ledger is full: indexes have 12 digits.", {
      status: 503,
    });
  }
  return String(index).padStart(12, "0");
}

/** The index a key names, null for a key of another form. */
export const indexOfKey = (key: string): number | null => (/^[0-9]{12}$/.test(key) ? Number(key) : null);

export const nodeKey = ({ level, index }: NodeId): string =>
  `${String(level).padStart(2, "0")}!${indexKey(index)}`;
