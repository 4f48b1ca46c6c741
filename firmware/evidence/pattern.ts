/**
 * Patterns in claim schemas, matched by simulating the automaton state set by state set (Thompson's
 * construction), so that time is linear in the text for every pattern a program can write. Allowed:
 * literals, classes, `.`, `? * + {m,n}`, `|`. Groups, anchors, back-references, look-around and doubled
 * quantifiers do not exist here.
 */
import { CLAIM_LIMITS } from "../core/limits.ts";

export const MAX_PATTERN_CHARACTERS = CLAIM_LIMITS.patternCharacters;
/** Longer texts never match: a claim is not a document. Code points. */
export const MAX_MATCHED_CHARACTERS = CLAIM_LIMITS.matchedCharacters;

type Test = (codePoint: number) => boolean;

interface Atom {
  readonly test: Test;
  readonly min: number;
  readonly max: number;
}

/** One state consumes one character; `optional` may be skipped, `repeats` may be entered again. */
interface State {
  readonly test: Test;
  readonly optional: boolean;
  readonly repeats: boolean;
}

const code = (char: string): number => char.codePointAt(0) ?? -1;
const between =
  (low: number, high: number): Test =>
  (c) =>
    c >= low && c <= high;
const anyOf =
  (tests: readonly Test[]): Test =>
  (c) =>
    tests.some((test) => test(c));
const not =
  (test: Test): Test =>
  (c) =>
    !test(c);

const DIGIT = between(48, 57);
const WORD = anyOf([DIGIT, between(65, 90), between(97, 122), (c) => c === 95]);
const SPACE: Test = (c) => c === 32 || (c >= 9 && c <= 13);
const ESCAPES: Readonly<Record<string, Test>> = {
  d: DIGIT,
  D: not(DIGIT),
  w: WORD,
  W: not(WORD),
  s: SPACE,
  S: not(SPACE),
  n: (c) => c === 10,
  r: (c) => c === 13,
  t: (c) => c === 9,
};
const SYNTAX = new Set("\\.?*+{}[]()|^$");

class Reader {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = [...pattern];
  }

  peek(): string | undefined {
    return this.#chars[this.#at];
  }

  next(): string | undefined {
    return this.#chars[this.#at++];
  }
}

/** Undefined = not allowed. */
function readEscape(reader: Reader): { readonly test: Test; readonly literal: number | null } | undefined {
  const char = reader.next();
  if (char === undefined) return undefined;
  const named = Object.hasOwn(ESCAPES, char) ? ESCAPES[char] : undefined;
  if (named) return { test: named, literal: null };
  if (/[A-Za-z0-9]/.test(char)) return undefined; // back-references and escapes with a meaning elsewhere
  const literal = code(char);
  return { test: (c) => c === literal, literal };
}

function readClass(reader: Reader): Test | undefined {
  const negated = reader.peek() === "^";
  if (negated) reader.next();
  const tests: Test[] = [];
  for (let char = reader.next(); char !== "]"; char = reader.next()) {
    if (char === undefined || char === "[") return undefined;
    const low = char === "\\" ? readEscape(reader) : { test: null, literal: code(char) };
    if (!low) return undefined;
    if (reader.peek() !== "-" || low.literal === null) {
      const { literal } = low;
      tests.push(low.test ?? ((c) => c === literal));
      continue;
    }
    reader.next();
    const end = reader.next();
    if (end === undefined || end === "[") return undefined;
    if (end === "]") {
      const { literal } = low;
      tests.push((c) => c === literal || c === 45);
      break;
    }
    const high = end === "\\" ? readEscape(reader)?.literal : code(end);
    if (high === undefined || high === null || high < low.literal) return undefined;
    tests.push(between(low.literal, high));
  }
  if (tests.length === 0) return undefined;
  return negated ? not(anyOf(tests)) : anyOf(tests);
}

function readBraces(reader: Reader): { readonly min: number; readonly max: number } | undefined {
  let text = "";
  for (let char = reader.next(); char !== "}"; char = reader.next()) {
    if (char === undefined) return undefined;
    text += char;
  }
  const found = /^([0-9]{1,4})(,([0-9]{0,4}))?$/.exec(text);
  if (!found) return undefined;
  const min = Number(found[1]);
  const max = found[2] === undefined ? min : found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY;
  return min <= max ? { min, max } : undefined;
}

function readQuantifier(reader: Reader): { readonly min: number; readonly max: number } | undefined {
  const many = Number.POSITIVE_INFINITY;
  const char = reader.peek();
  if (char === undefined || !"?*+{".includes(char)) return { min: 1, max: 1 };
  reader.next();
  const quantifier =
    char === "?"
      ? { min: 0, max: 1 }
      : char === "{"
        ? readBraces(reader)
        : { min: char === "+" ? 1 : 0, max: many };
  const following = reader.peek();
  return following !== undefined && "?*+{".includes(following) ? undefined : quantifier;
}

function readAtom(reader: Reader): Atom | undefined {
  const char = reader.next() ?? "";
  let test: Test | undefined;
  if (char === ".") test = (c) => c !== 10 && c !== 13;
  else if (char === "[") test = readClass(reader);
  else if (char === "\\") test = readEscape(reader)?.test;
  else if (!SYNTAX.has(char)) {
    const literal = code(char);
    test = (c) => c === literal;
  }
  const quantifier = test && readQuantifier(reader);
  return test && quantifier ? { test, ...quantifier } : undefined;
}

function unroll({ test, min, max }: Atom): State[] | undefined {
  const copies = Number.isFinite(max) ? max : Math.max(1, min);
  if (copies > CLAIM_LIMITS.patternStates) return undefined;
  return Array.from({ length: copies }, (_, i) => ({
    test,
    optional: i >= min,
    repeats: !Number.isFinite(max) && i === copies - 1,
  }));
}

export interface Pattern {
  /** Whole text, by code points. */
  matches(text: string): boolean;
}

/** Null if the pattern is outside the allowed subset or its limits. */
export function compilePattern(pattern: string): Pattern | null {
  if ([...pattern].length > MAX_PATTERN_CHARACTERS) return null;
  const reader = new Reader(pattern);
  const alternatives: State[][] = [[]];
  let states = 0;
  while (reader.peek() !== undefined) {
    if (reader.peek() === "|") {
      reader.next();
      alternatives.push([]);
      continue;
    }
    const atom = readAtom(reader);
    const unrolled = atom && unroll(atom);
    if (!unrolled) return null;
    states += unrolled.length;
    if (states > CLAIM_LIMITS.patternStates) return null;
    alternatives[alternatives.length - 1]?.push(...unrolled);
  }
  return { matches: (text) => matchesAny(alternatives, text) };
}

function matchesAny(alternatives: readonly (readonly State[])[], text: string): boolean {
  if (text.length > 2 * MAX_MATCHED_CHARACTERS) return false;
  const codePoints = [...text].map(code);
  return codePoints.length <= MAX_MATCHED_CHARACTERS && alternatives.some((s) => simulate(s, codePoints));
}

/** Marks position `from` and every position reachable from it without consuming a character. */
function enter(states: readonly State[], positions: Uint8Array, from: number): void {
  for (let at = from; ; at++) {
    if (positions[at]) return;
    positions[at] = 1;
    if (!states[at]?.optional) return;
  }
}

function simulate(states: readonly State[], codePoints: readonly number[]): boolean {
  let current = new Uint8Array(states.length + 1);
  enter(states, current, 0);
  for (const codePoint of codePoints) {
    const next = new Uint8Array(states.length + 1);
    for (const [at, state] of states.entries()) {
      if (!current[at] || !state.test(codePoint)) continue;
      if (state.repeats) next[at] = 1;
      enter(states, next, at + 1);
    }
    current = next;
  }
  return current[states.length] === 1;
}
