import { CodedError } from "../../firmware/core/errors.ts";

export interface Token {
  readonly kind: "number" | "text" | "name" | "sign" | "end";
  /** Of a text without its quotes. */
  readonly text: string;
  /** Characters before it. */
  readonly pos: number;
}

/**
 * Tried in this order at every place. A name may have dots; `@` comes before the id of a device that owns a node, and
 * `pump-001.policy` asks one device: a number cannot be followed by a dot and a letter, so this is no subtraction.
 */
const PATTERNS: readonly (readonly [kind: Token["kind"] | "blank", pattern: RegExp])[] = [
  ["blank", /\s+/y],
  ["number", /(?:\d+(?:\.\d+)?|\.\d+)(?![\w.])/y],
  ["text", /'[^']*'/y],
  ["name", /[A-Za-z_]\w*(?:-\w+)*-\d+(?=\.[A-Za-z_])(?:\.\w+)+/y],
  ["name", /[A-Za-z_]\w*(?:@[A-Za-z0-9-]+)?(?:\.\w+)*/y],
  ["sign", /<=|>=|==|!=|[<>+\-*/(),]/y],
];

/** The parts of an expression. @throws CodedError `expr_parse` {pos}. */
export function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  for (let pos = 0; pos < text.length; ) {
    let length = 0;
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = pos;
      const match = pattern.exec(text)?.[0];
      if (match === undefined) continue;
      length = match.length;
      if (kind !== "blank") found.push({ kind, text: kind === "text" ? match.slice(1, -1) : match, pos });
      break;
    }
    if (length === 0)
      throw new CodedError("expr_parse", `The expression cannot go on with "${text[pos]}" at ${pos}.`, {
        status: 422,
        details: { pos },
      });
    pos += length;
  }
  return [...found, { kind: "end", text: "", pos: text.length }];
}
