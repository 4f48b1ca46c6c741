/** Mutations that know nothing of the format. */
import type { Random } from "./random.ts";
import { bytesOf, MAX_INPUT_BYTES } from "./target.ts";

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

type Mutation = (input: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

const flipBit: Mutation = (input, _other, random) => {
  const out = input.slice();
  const at = random.below(out.length);
  out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
  return out;
};
const setByte: Mutation = (input, _other, random) => {
  const out = input.slice();
  out[random.below(out.length)] = random.pick([0, 0x22, 0x5c, 0x7f, 0x80, 0xc3, 0xed, 0xff, 0x0a, 0x2d]);
  return out;
};
const remove: Mutation = (input, _other, random) => {
  const from = random.below(input.length);
  return concat(input.slice(0, from), input.slice(from + 1 + random.below(16)));
};
const repeat: Mutation = (input, _other, random) => {
  const from = random.below(input.length);
  const part = input.slice(from, from + 1 + random.below(40));
  return concat(
    input.slice(0, from),
    ...Array.from({ length: 1 + random.below(20) }, () => part),
    input.slice(from),
  );
};
const truncate: Mutation = (input, _other, random) => input.slice(0, random.below(input.length));
const splice: Mutation = (input, other, random) =>
  concat(input.slice(0, random.below(input.length)), other.slice(random.below(other.length)));

const MUTATIONS: readonly Mutation[] = [flipBit, setByte, remove, repeat, truncate, splice];

/** @param tokens Words of the format, put in at any place. */
export function mutateBytes(
  input: Uint8Array,
  other: Uint8Array,
  random: Random,
  tokens: readonly string[],
): Uint8Array {
  let out = input;
  for (let n = 1 + random.below(4); n > 0; n--) {
    if (out.length === 0) return bytesOf(random.pick(tokens));
    if (random.oneIn(3)) {
      const at = random.below(out.length);
      out = concat(out.slice(0, at), bytesOf(random.pick(tokens)), out.slice(at));
    } else out = random.pick(MUTATIONS)(out, other, random);
  }
  return out.slice(0, MAX_INPUT_BYTES);
}

/** Lines moved, doubled, left out or taken from another input; words replaced by words of the format. */
export function mutateLines(input: string, other: string, random: Random, tokens: readonly string[]): string {
  const lines = input.split("\n");
  const foreign = other.split("\n");
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(lines.length);
    switch (random.below(5)) {
      case 0:
        lines.splice(at, 1 + random.below(3));
        break;
      case 1:
        lines.splice(at, 0, lines[random.below(lines.length)] ?? "");
        break;
      case 2:
        lines.splice(at, 0, random.pick(foreign));
        break;
      case 3:
        lines[at] = replacedWord(lines[at] ?? "", random.pick(tokens), random);
        break;
      default:
        [lines[at], lines[0]] = [lines[0] ?? "", lines[at] ?? ""];
    }
    if (lines.length === 0) return random.pick(tokens);
  }
  return lines.join("\n").slice(0, MAX_INPUT_BYTES / 4);
}

function replacedWord(line: string, token: string, random: Random): string {
  const words = [...line.matchAll(/[\p{L}\p{N}_.$%]+|[^\s\p{L}\p{N}]/gu)];
  const word = words.length === 0 ? undefined : random.pick(words);
  if (word === undefined) return line + token;
  return line.slice(0, word.index) + token + line.slice(word.index + word[0].length);
}

/** Without one stretch: halves first, single octets or characters last. */
export function* withoutStretches<T extends { readonly length: number; slice(from: number, to?: number): T }>(
  input: T,
  join: (a: T, b: T) => T,
): Generator<T> {
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < input.length; at += size) yield join(input.slice(0, at), input.slice(at + size));
  }
}
