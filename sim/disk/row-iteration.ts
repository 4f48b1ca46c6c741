import { never } from "./never.ts";
import type { Row } from "./rows.ts";

export interface RowReader {
  /** False once the boot that reads has ended: then no row is ever handed out. */
  readonly isAlive: () => boolean;
  /** Called before each row is handed out; what it throws ends the iteration. */
  readonly check: () => void;
  /** The bytes as the reader gets them: a copy of its own. */
  readonly read: (value: Uint8Array) => Uint8Array;
}

const DONE = { done: true, value: undefined } as const;

/** Hands out the rows of an iteration that begins when its first row is asked for, as iterators over LevelDB do. */
export class RowIteration implements AsyncIterableIterator<Row> {
  readonly #begin: () => Promise<Iterator<readonly Row[]>> | Iterator<readonly Row[]>;
  readonly #reader: RowReader;
  #pages: Iterator<readonly Row[]> | null = null;
  #page: readonly Row[] = [];
  #at = 0;
  #ended = false;

  constructor(begin: () => Promise<Iterator<readonly Row[]>> | Iterator<readonly Row[]>, reader: RowReader) {
    this.#begin = begin;
    this.#reader = reader;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#ended) return DONE;
    try {
      this.#pages ??= await this.#begin();
      if (!this.#reader.isAlive()) return await never();
      this.#reader.check();
      if (this.#at === this.#page.length) this.#turnPage(this.#pages);
      const row = this.#page[this.#at++];
      if (row) return { done: false, value: [row[0], this.#reader.read(row[1])] };
    } catch (error) {
      this.#ended = true;
      throw error;
    }
    this.#ended = true;
    return DONE;
  }

  async return(): Promise<IteratorResult<Row, undefined>> {
    this.#ended = true;
    return DONE;
  }

  #turnPage(pages: Iterator<readonly Row[]>): void {
    const { done, value } = pages.next();
    this.#page = done ? [] : value;
    this.#at = 0;
  }
}
