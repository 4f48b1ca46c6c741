/** Exit codes of imuctl; scripts rely on them. */
export const OK = 0;
/** Refused, or failed while doing it. */
export const FAILED = 1;
/** Wrong usage; also: a replay diverged, a ledger is damaged. */
export const BAD = 2;
/** Could not be judged at all: the ledger is unreadable, the run cannot be replayed. */
export const UNREADABLE = 3;
