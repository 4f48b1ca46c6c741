/** Paths inside a program's workspace (capabilities.md 11): judged as text before anything is looked up. */
import { STORAGE_LIMITS } from "../core/limits.ts";

export type PathVerdict =
  | { readonly ok: true; readonly path: string }
  | {
      readonly ok: false;
      readonly code: "empty_path" | "bad_path" | "absolute_path_not_allowed" | "fs_escape_detected";
      readonly status: 422 | 403;
    };

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The normal form of a path, or the first rule that it breaks. Links are judged where files are opened. */
export function workspacePath(path: string): PathVerdict {
  if (path === "") return { ok: false, code: "empty_path", status: 422 };
  const segments = path.split("/");
  const tooLong =
    Buffer.byteLength(path) > STORAGE_LIMITS.pathBytes ||
    segments.some((segment) => Buffer.byteLength(segment) > STORAGE_LIMITS.segmentBytes) ||
    segments.length > STORAGE_LIMITS.segments;
  if (CONTROL.test(path) || path.includes("\\") || tooLong)
    return { ok: false, code: "bad_path", status: 422 };
  if (path.startsWith("/") || path.startsWith("~")) {
    return { ok: false, code: "absolute_path_not_allowed", status: 403 };
  }
  if (segments.includes("..")) return { ok: false, code: "fs_escape_detected", status: 403 };
  const kept = segments.filter((segment) => segment !== "" && segment !== ".");
  return kept.length === 0
    ? { ok: false, code: "empty_path", status: 422 }
    : { ok: true, path: kept.join("/") };
}
