/** What the suite asks of a log, ours and its peers alike. */

export interface BenchLog extends AsyncDisposable {
  /** Appends entries of 250 bytes as one group; what it promises then is part of its title. */
  append(count: number): Promise<void>;
  /** Checks everything that is stored. @returns entries checked. @throws Error if one is bad. */
  readonly verify?: () => Promise<number>;
}

export interface LogSource {
  readonly id: string;
  readonly title: string;
  open(dir: string): Promise<BenchLog>;
}

export interface LogFacts {
  readonly id: string;
  readonly title: string;
  /** Why it could not be opened; null if it could. */
  readonly reason: string | null;
}

export interface OpenedLog extends LogFacts {
  readonly log: BenchLog | null;
}

/** A peer that cannot be loaded is reported with its reason, never left out. */
export async function openLog({ id, title, open }: LogSource, dir: string): Promise<OpenedLog> {
  try {
    return { id, title, reason: null, log: await open(dir) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, title, reason: message.split(/\n| imported from /)[0] ?? message, log: null };
  }
}
