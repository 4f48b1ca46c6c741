/**
 * Reading a stored entry without building it: the bytes are walked once, and what the chain and the tree need is picked
 * up on the way. Only the plainest canonical form is taken; everything else is left to the reader that knows all rules.
 */

/** Of an entry that is in canonical form (RFC 8785). */
export interface ScannedEntry {
  readonly prevHash: string;
  readonly ts: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const DEL = 0x7f;
/** An integer of so many digits is exact and prints as itself. */
const EXACT_DIGITS = 15;
const HASH_DIGITS = 64;
/** Deeper values are left to the other reader. */
const LEVELS = 32;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const HEAD = ascii('{"event":');
const PREV = ascii(',"prev_hash":"');
const TS = ascii('","ts":');
const KIND = ascii("kind");
const WORDS = [ascii("true"), ascii("false"), ascii("null")];

/** Where a walk leaves the decision to another reader. */
const UNSURE = -1;

function holdsAt(bytes: Uint8Array, part: Uint8Array, at: number): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

/** After the closing quote of a text without escapes and of ASCII alone. `at` is behind the opening one. */
function skipText(bytes: Uint8Array, at: number): number {
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === QUOTE) return i + 1;
    if (byte < 0x20 || byte >= DEL || byte === BACKSLASH) return UNSURE;
  }
  return UNSURE;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;

/** `.`, `e`, `E`, `+`, `-`: what a number has beside digits. */
const isNumberByte = (byte: number | undefined): boolean =>
  byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === MINUS;

/** After a number that is written as ECMAScript prints it. */
function skipNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === MINUS ? at + 1 : at;
  let end = first;
  while (isDigit(bytes[end])) end++;
  if (!isNumberByte(bytes[end])) {
    const isZero = bytes[first] === ZERO;
    const isShort = end > first && end - first <= EXACT_DIGITS;
    return isShort && (!isZero || (end === first + 1 && first === at)) ? end : UNSURE;
  }
  while (isNumberByte(bytes[end]) || isDigit(bytes[end])) end++;
  const text = String.fromCharCode(...bytes.subarray(at, end));
  return String(Number(text)) === text ? end : UNSURE;
}

function skipWord(bytes: Uint8Array, at: number): number {
  for (const word of WORDS) if (holdsAt(bytes, word, at)) return at + word.length;
  return UNSURE;
}

function skipList(bytes: Uint8Array, at: number, depth: number): number {
  if (bytes[at] === CLOSE_LIST) return at + 1;
  for (let i = at; ; ) {
    i = skipValue(bytes, i, depth);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_LIST) return i + 1;
    if (bytes[i] !== COMMA) return UNSURE;
    i++;
  }
}

/** Whether the first name comes before the second one; of ASCII, bytes are in the order of UTF-16 units. */
function isBefore(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  for (let i = 0; a + i < aEnd && b + i < bEnd; i++) {
    const difference = (bytes[a + i] ?? 0) - (bytes[b + i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return aEnd - a < bEnd - b;
}

/** @param wanted a member that must be there with a text as its value; null for none. */
function skipObject(bytes: Uint8Array, at: number, depth: number, wanted: Uint8Array | null): number {
  if (bytes[at] === CLOSE_OBJECT) return wanted === null ? at + 1 : UNSURE;
  let [lastName, lastEnd] = [UNSURE, UNSURE];
  let isFound = wanted === null;
  for (let i = at; ; ) {
    if (bytes[i] !== QUOTE) return UNSURE;
    const name = i + 1;
    const value = skipText(bytes, name);
    if (value === UNSURE || bytes[value] !== COLON) return UNSURE;
    const nameEnd = value - 1;
    if (lastName !== UNSURE && !isBefore(bytes, lastName, lastEnd, name, nameEnd)) return UNSURE;
    if (wanted !== null && nameEnd - name === wanted.length && holdsAt(bytes, wanted, name)) {
      isFound = bytes[value + 1] === QUOTE;
    }
    i = skipValue(bytes, value + 1, depth);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_OBJECT) return isFound ? i + 1 : UNSURE;
    if (bytes[i] !== COMMA) return UNSURE;
    [lastName, lastEnd] = [name, nameEnd];
    i++;
  }
}

function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  const byte = bytes[at];
  if (byte === QUOTE) return skipText(bytes, at + 1);
  if (byte === MINUS || isDigit(byte)) return skipNumber(bytes, at);
  if (depth === 0) return UNSURE;
  if (byte === OPEN_OBJECT) return skipObject(bytes, at + 1, depth - 1, null);
  if (byte === OPEN_LIST) return skipList(bytes, at + 1, depth - 1);
  return skipWord(bytes, at);
}

/** Null where it cannot be told here whether these bytes are an entry; never a wrong yes. */
export function scanEntry(bytes: Uint8Array): ScannedEntry | null {
  if (!holdsAt(bytes, HEAD, 0) || bytes[HEAD.length] !== OPEN_OBJECT) return null;
  const end = skipObject(bytes, HEAD.length + 1, LEVELS, KIND);
  if (end === UNSURE || !holdsAt(bytes, PREV, end)) return null;
  const hash = end + PREV.length;
  for (let i = hash; i < hash + HASH_DIGITS; i++) {
    const byte = bytes[i] ?? 0;
    if (!isDigit(byte) && (byte < 0x61 || byte > 0x66)) return null;
  }
  if (!holdsAt(bytes, TS, hash + HASH_DIGITS)) return null;
  const digits = hash + HASH_DIGITS + TS.length;
  const last = bytes.length - 1;
  if (last - digits > EXACT_DIGITS || skipNumber(bytes, digits) !== last || bytes[last] !== CLOSE_OBJECT)
    return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ts = Number(text.toString("latin1", digits, last));
  return Number.isSafeInteger(ts)
    ? { prevHash: text.toString("latin1", hash, hash + HASH_DIGITS), ts }
    : null;
}
