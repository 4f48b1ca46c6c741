/** Source URIs: syntax, prefix matching and what counts as one witness (evidence.md 4). */
import { CodedError } from "../core/errors.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";

export interface SourceUri {
  readonly scheme: string;
  readonly authority: string;
  readonly segments: readonly string[];
}

export const MAX_SOURCE_CHARACTERS = EVIDENCE_LIMITS.sourceCharacters;

// Separators of queries, fragments and user info, white space and control characters never appear in a
// source.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused.
const FORBIDDEN = /[?#\s\u0000-\u001f\u007f\\]/;
const SCHEME = /^[a-z][a-z0-9+.-]*$/;

/** The parts of a source, or null if it is malformed. */
export function parseSource(source: string): SourceUri | null {
  if (typeof source !== "string" || source.length > MAX_SOURCE_CHARACTERS || FORBIDDEN.test(source))
    return null;
  const split = source.indexOf("://");
  if (split < 0) return null;
  const scheme = source.slice(0, split);
  const [authority = "", ...segments] = source.slice(split + 3).split("/");
  if (!SCHEME.test(scheme)) return null;
  // A serial port is named as the kernel names it, and `ttyAMA0` is not `ttyama0`.
  const isCanonical = scheme === "serial" || authority === authority.toLowerCase();
  if (authority === "" || !isCanonical || authority.includes("@")) return null;
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return null;
  return { scheme, authority, segments };
}

/** @throws CodedError `bad_source` (422). */
export function requireSource(source: string): SourceUri {
  const uri = parseSource(source);
  if (uri) return uri;
  throw new CodedError("bad_source", "The source is not scheme://authority[/segment…] in canonical form.", {
    status: 422,
    details: { source: String(source).slice(0, MAX_SOURCE_CHARACTERS) },
  });
}

/** Equal, or `prefix` ends at a path boundary of `source`. `i2c://1` does not match `i2c://10/0x76`. */
export function sourceMatches(prefix: string, source: string): boolean {
  if (prefix === "") return false;
  if (source === prefix) return true;
  return source.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

const WITNESS_SEGMENTS: Readonly<Record<string, number>> = {
  gpio: 1,
  i2c: 1,
  local: 1,
  mqtt: Number.POSITIVE_INFINITY,
};

const witnessSegments = (scheme: string): number =>
  Object.hasOwn(WITNESS_SEGMENTS, scheme) ? (WITNESS_SEGMENTS[scheme] ?? 0) : 0;

/**
 * What counts as one witness: two channels of one chip are one origin.
 * @throws CodedError `bad_source` (422).
 */
export function originOf(source: string): string {
  const { scheme, authority, segments } = requireSource(source);
  const count = scheme === "sim" ? 1 + witnessSegments(authority) : witnessSegments(scheme);
  return [`${scheme}://${authority}`, ...segments.slice(0, Math.min(count, segments.length))].join("/");
}
