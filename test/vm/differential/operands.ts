/** Operands of a wished kind: literals, registers, inputs, constants and containers built from them. */
import type { Json } from "../../../firmware/core/json.ts";
import type { Choices } from "./genome.ts";
import {
  anObject,
  CONSTANTS_OF,
  HEXES,
  INPUTS_OF,
  KEYS,
  type Kind,
  NUMBERS,
  SMALL,
  TEXTS,
  WORDS,
} from "./values.ts";

const ALL: readonly Kind[] = ["number", "string", "boolean", "null", "bytes", "word", "array", "object"];
const MOST_NESTING = 3;

/** Text that would be read as a reference is written as a literal. */
const textOperand = (text: string): Json => (/^(reg:|const:|\$\.)/.test(text) ? { lit: text } : text);

export class Operands {
  readonly #registers: ReadonlyMap<string, Kind>;

  constructor(registers: ReadonlyMap<string, Kind>) {
    this.#registers = registers;
  }

  registerOf(kind: Kind, choices: Choices): string | null {
    const fitting = [...this.#registers].filter(([, held]) => kind === "any" || fits(held, kind));
    return fitting.length === 0 ? null : (choices.pick(fitting)[0] ?? null);
  }

  /** One in twenty-four has another kind than wished. */
  of(wished: Kind, choices: Choices, depth = 0): Json {
    const source = choices.below(8);
    const kind = wished === "any" || choices.oneIn(24) ? choices.pick(ALL) : wished;
    if (source >= 4 && source <= 6) {
      const name = this.registerOf(kind, choices);
      if (name !== null) return `reg:${name}`;
    }
    if (source === 7) {
      const inputs = INPUTS_OF[kind];
      const constants = CONSTANTS_OF[kind];
      if (constants && choices.oneIn(3)) return `const:${choices.pick(constants)}`;
      if (inputs) return choices.pick(inputs);
    }
    return this.#literal(kind, choices, depth);
  }

  #literal(kind: Kind, choices: Choices, depth: number): Json {
    switch (kind) {
      case "number":
        // Half of them from few, so that equal ones meet.
        return choices.below(2) === 0 ? choices.pick(NUMBERS.slice(0, 12)) : choices.pick(NUMBERS);
      case "word":
        return choices.pick(WORDS);
      case "small":
        return choices.pick(SMALL);
      case "boolean":
        return choices.below(2) === 1;
      case "string":
        return textOperand(choices.pick(TEXTS));
      case "bytes":
        return { bytes: choices.pick(HEXES) };
      case "array":
        return this.#array(choices, depth);
      case "object":
        return this.#object(choices, depth);
      default:
        return null;
    }
  }

  #array(choices: Choices, depth: number): Json {
    if (depth >= MOST_NESTING) return [];
    if (choices.oneIn(5)) return { lit: ["reg:a", [1, { $bytes: "0a" }], "$.payload"] };
    return Array.from({ length: choices.below(4) }, () => this.of("any", choices, depth + 1));
  }

  #object(choices: Choices, depth: number): Json {
    if (depth >= MOST_NESTING) return { lit: {} };
    if (choices.oneIn(5))
      return {
        lit: anObject([
          ["k", "const:n"],
          ["__proto__", [null]],
        ]),
      };
    const keys = new Set(Array.from({ length: choices.below(4) }, () => choices.pick(KEYS)));
    keys.delete("$bytes");
    if (keys.size === 1) keys.add("second");
    return anObject([...keys].map((key) => [key, this.of("any", choices, depth + 1)]));
  }
}

/** A small number is a word, a word is a number; `any` takes all. */
export const fits = (held: Kind, wished: Kind): boolean =>
  wished === "any" ||
  held === wished ||
  (held === "word" && wished === "number") ||
  (held === "small" && (wished === "word" || wished === "number"));
