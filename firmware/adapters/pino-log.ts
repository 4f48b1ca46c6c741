import { type Logger, pino } from "pino";
import type { Log, LogFields } from "../ports/log.ts";

/** Structured lines on standard error, which journald takes as they are. */
export class PinoLog implements Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  static create(level: string): PinoLog {
    return new PinoLog(pino({ level, base: null }, pino.destination({ fd: 2, sync: true })));
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#logger.debug(fields, event);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#logger.info(fields, event);
  }

  warn(event: string, fields: LogFields = {}): void {
    this.#logger.warn(fields, event);
  }

  error(event: string, fields: LogFields = {}): void {
    this.#logger.error(fields, event);
  }

  child(fields: LogFields): PinoLog {
    return new PinoLog(this.#logger.child(fields));
  }
}
