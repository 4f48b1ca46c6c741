import type { Log, LogFields } from "../../firmware/ports/log.ts";
import { type Json, toJson } from "./plain-json.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Json;
}

/** A log whose lines go to the simulation. Debug lines are dropped: nobody reads them, everybody would pay for them. */
export class SimLog implements Log {
  readonly #write: (line: LogLine) => void;
  readonly #fields: LogFields;

  constructor(write: (line: LogLine) => void, fields: LogFields = {}) {
    this.#write = write;
    this.#fields = fields;
  }

  debug(): void {
    return;
  }

  info(event: string, fields?: LogFields): void {
    this.#line("info", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#line("warn", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#line("error", event, fields);
  }

  child(fields: LogFields): Log {
    return new SimLog(this.#write, { ...this.#fields, ...fields });
  }

  #line(level: LogLevel, event: string, fields?: LogFields): void {
    this.#write({ level, event, fields: toJson({ ...this.#fields, ...fields }) });
  }
}
