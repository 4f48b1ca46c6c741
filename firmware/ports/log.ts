/** A log line is an event name plus plain fields, stable enough to alert on; never keys, secrets or payloads. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose lines carry the given fields as well. */
  child(fields: LogFields): Log;
}
