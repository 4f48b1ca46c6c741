/**
 * Globs over resource URIs, topics, subjects and permissions (policy.md 5): they match the whole string,
 * case-sensitively. `*` is one or more characters other than `:` and `/`, `**` any run of characters, also none.
 */
type Token = string | typeof STAR | typeof ANY;
const STAR = 1;
const ANY = 2;

function tokens(pattern: string): Token[] {
  const out: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char !== "*") out.push(char);
    else if (pattern.charAt(i + 1) === "*") {
      out.push(ANY);
      i++;
    } else out.push(STAR);
  }
  return out;
}

/** Advances the set of reachable pattern positions over one character; bounded, no backtracking. */
function step(parts: readonly Token[], from: readonly boolean[], char: string): boolean[] {
  const to = new Array<boolean>(parts.length + 1).fill(false);
  for (let i = 0; i < parts.length; i++) {
    if (!from[i]) continue;
    const part = parts[i];
    if (part === ANY) to[i] = true;
    else if (part === STAR) {
      if (char !== ":" && char !== "/") {
        to[i] = true;
        to[i + 1] = true;
      }
    } else if (part === char) to[i + 1] = true;
  }
  return closure(parts, to);
}

/** `**` may match nothing, so the position behind it is reachable too. */
function closure(parts: readonly Token[], at: boolean[]): boolean[] {
  for (let i = 0; i < parts.length; i++) if (at[i] && parts[i] === ANY) at[i + 1] = true;
  return at;
}

/** True iff the glob matches the whole text. Time is the product of both lengths, whatever the pattern. */
export function matchesGlob(pattern: string, text: string): boolean {
  const wildcard = pattern.indexOf("*");
  if (wildcard < 0) return pattern === text;
  // Most questions are answered by the literal head: decisions are made for every call of every program.
  if (!text.startsWith(pattern.slice(0, wildcard))) return false;
  if (wildcard === pattern.length - 2 && pattern.endsWith("**")) return true;
  const parts = tokens(pattern);
  let at = closure(
    parts,
    Array.from({ length: parts.length + 1 }, (_, i) => i === 0),
  );
  for (let i = 0; i < text.length; i++) at = step(parts, at, text.charAt(i));
  return at[parts.length] === true;
}

/** Characters that are not part of a wildcard: more of them is the more specific glob. */
export const literalLength = (pattern: string): number => pattern.replaceAll("*", "").length;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const forbidden = /[\u0000-\u001f\u007f+#]/;

/** Empty globs, control characters and MQTT wildcards are authoring mistakes (lint `bad_glob`). */
export const isGlob = (pattern: string): boolean => pattern.length > 0 && !forbidden.test(pattern);

/** Each literal of the wide glob consumes one of the narrow, in order: a quick answer for most pairs of rules. */
function mayCover(wide: string, narrow: string): boolean {
  let at = 0;
  for (let i = 0; i < wide.length; i++) {
    if (wide.charAt(i) === "*") continue;
    at = narrow.indexOf(wide.charAt(i), at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/**
 * True only if every text that `narrow` matches is also matched by `wide`. Decided by reading the narrow
 * glob's wildcards as opaque symbols; a `false` may be a cover that this cannot see, a `true` never is wrong.
 */
export function covers(wide: string, narrow: string): boolean {
  if (wide === "**" || wide === narrow) return true;
  if (!mayCover(wide, narrow)) return false;
  const parts = tokens(wide);
  let at = closure(
    parts,
    Array.from({ length: parts.length + 1 }, (_, i) => i === 0),
  );
  for (const part of tokens(narrow)) {
    if (typeof part === "string") {
      at = step(parts, at, part);
      continue;
    }
    const reachable = at;
    const next = new Array<boolean>(parts.length + 1).fill(false);
    for (let i = 0; i < parts.length; i++) {
      if (!reachable[i]) continue;
      // An ANY of the wide glob swallows any run; a STAR swallows a STAR and may stay or move on.
      if (parts[i] === ANY) next[i] = true;
      else if (parts[i] === STAR && part === STAR) {
        next[i] = true;
        next[i + 1] = true;
      }
    }
    at = closure(parts, next);
  }
  return at[parts.length] === true;
}
