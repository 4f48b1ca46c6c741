export type Progress = (text: string) => void;

/** A set of measurements under one name; `run` gives what belongs on stdout. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  /** Its options, one per line, indented. */
  readonly usage: string;
  run(args: readonly string[], progress: Progress): Promise<string>;
}
