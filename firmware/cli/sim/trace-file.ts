/** A run's trace as lines of JSON: what it is of, its records, and what it came to. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { RunOutcome } from "../../../sim/harness/outcome.ts";
import { traceHead, traceTail } from "../../../sim/harness/replay-trace.ts";
import type { Run } from "../../../sim/scenario/types.ts";
import type { TraceRecord } from "../../../sim/trace/trace.ts";
import type { Json } from "../../core/json.ts";

/** Characters that wait for the disk. */
const BUFFERED = 1 << 16;

export class TraceFile implements Disposable {
  readonly #file: number;
  #buffer = "";
  #isOpen = true;

  private constructor(file: number) {
    this.#file = file;
  }

  /** Replaces a file of that name. @throws the system's error. */
  static create(path: string, run: Run): TraceFile {
    mkdirSync(dirname(path), { recursive: true });
    const trace = new TraceFile(openSync(path, "w", 0o644));
    trace.#line(traceHead(run));
    return trace;
  }

  add(record: TraceRecord): void {
    this.#line({ ...record });
  }

  /** Writes what the run came to. */
  end(outcome: RunOutcome): void {
    this.#line(traceTail(outcome));
    this.#flush();
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#flush();
    this.#isOpen = false;
    closeSync(this.#file);
  }

  #line(value: Json): void {
    this.#buffer += `${JSON.stringify(value)}\n`;
    if (this.#buffer.length >= BUFFERED) this.#flush();
  }

  #flush(): void {
    if (this.#buffer === "") return;
    writeSync(this.#file, this.#buffer);
    this.#buffer = "";
  }
}
