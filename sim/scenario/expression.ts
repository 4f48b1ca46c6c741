/**
 * Conditions of scenarios: the expression language of policies (homeostasis.md 3) without sets, with dotted names,
 * `true` and `false`, `all devices …`, `any devices …` and `count(event)` (simulator.md 10). Parsed once into a tree.
 */
import { CodedError } from "../../firmware/core/errors.ts";
import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import { type Token, tokens } from "./expression-tokens.ts";

export type Comparison = "<" | ">" | "<=" | ">=" | "==" | "!=";
export type Arithmetic = "+" | "-" | "*" | "/";
export type FunctionName = "min" | "max" | "round" | "floor" | "ceil" | "abs" | "clamp";

export type Expression =
  | { readonly op: "value"; readonly value: number | boolean | string }
  | { readonly op: "name"; readonly name: string }
  /** How often an event has happened, on the device or anywhere. */
  | { readonly op: "count"; readonly event: string }
  | { readonly op: "all" | "any"; readonly inner: Expression }
  | { readonly op: "not" | "negate"; readonly inner: Expression }
  | { readonly op: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | {
      readonly op: "compare";
      readonly by: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly op: "math"; readonly by: Arithmetic; readonly left: Expression; readonly right: Expression }
  | { readonly op: "call"; readonly name: FunctionName; readonly args: readonly Expression[] }
  | {
      readonly op: "if";
      readonly condition: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    };

/** Least and most arguments. */
const FUNCTIONS: Readonly<Record<FunctionName, readonly [least: number, most: number]>> = {
  min: [1, 8],
  max: [1, 8],
  round: [1, 1],
  floor: [1, 1],
  ceil: [1, 1],
  abs: [1, 1],
  clamp: [3, 3],
};
const RESERVED: readonly string[] = ["and", "or", "not", "if", "else"];
const COMPARISONS: readonly string[] = ["<", ">", "<=", ">=", "==", "!="];

const refuse = (code: string, message: string, details: Readonly<Record<string, string | number>>): never => {
  throw new CodedError(code, message, { status: 422, details });
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  whole(): Expression {
    const tree = this.#expression();
    if (this.#peek().kind !== "end") this.#unexpected();
    return tree;
  }

  #expression(): Expression {
    const then = this.#or();
    if (!this.#takes("if")) return then;
    return this.#deeper(() => {
      const condition = this.#or();
      if (!this.#takes("else")) this.#unexpected();
      return this.#node({ op: "if", condition, then, otherwise: this.#expression() });
    });
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#takes("or")) left = this.#node({ op: "or", left, right: this.#and() });
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takes("and")) left = this.#node({ op: "and", left, right: this.#not() });
    return left;
  }

  #not(): Expression {
    if (this.#takes("not")) return this.#deeper(() => this.#node({ op: "not", inner: this.#not() }));
    const quantifier = this.#peek().text;
    if ((quantifier === "all" || quantifier === "any") && this.#tokens[this.#at + 1]?.text === "devices") {
      this.#at += 2;
      // As far as it goes: what does not depend on the device is the same for each.
      return this.#deeper(() => this.#node({ op: quantifier, inner: this.#expression() }));
    }
    return this.#comparison();
  }

  #comparison(): Expression {
    const left = this.#sum();
    const by = this.#peek();
    if (by.kind !== "sign" || !COMPARISONS.includes(by.text)) return left;
    this.#at++;
    return this.#node({ op: "compare", by: by.text as Comparison, left, right: this.#sum() });
  }

  #sum(): Expression {
    let left = this.#product();
    for (;;) {
      const by = this.#takes("+") ? "+" : this.#takes("-") ? "-" : null;
      if (by === null) return left;
      left = this.#node({ op: "math", by, left, right: this.#product() });
    }
  }

  #product(): Expression {
    let left = this.#unary();
    for (;;) {
      const by = this.#takes("*") ? "*" : this.#takes("/") ? "/" : null;
      if (by === null) return left;
      left = this.#node({ op: "math", by, left, right: this.#unary() });
    }
  }

  #unary(): Expression {
    if (!this.#takes("-")) return this.#primary();
    return this.#deeper(() => this.#node({ op: "negate", inner: this.#unary() }));
  }

  #primary(): Expression {
    const token = this.#peek();
    this.#at++;
    if (token.kind === "number") return this.#node({ op: "value", value: Number(token.text) });
    if (token.kind === "text") return this.#node({ op: "value", value: token.text });
    if (token.kind === "sign" && token.text === "(") {
      const inner = this.#deeper(() => this.#expression());
      this.#close();
      return inner;
    }
    if (token.kind === "name" && !RESERVED.includes(token.text)) return this.#named(token);
    this.#at--;
    return this.#unexpected();
  }

  #named({ text, pos }: Token): Expression {
    if (text === "true" || text === "false") return this.#node({ op: "value", value: text === "true" });
    if (!this.#takes("(")) return this.#node({ op: "name", name: text });
    if (text === "count") {
      const event = this.#peek();
      if (event.kind !== "name" && event.kind !== "text") this.#unexpected();
      this.#at++;
      this.#close();
      return this.#node({ op: "count", event: event.text });
    }
    if (!Object.hasOwn(FUNCTIONS, text))
      refuse("expr_unknown_name", `There is no function ${text}.`, { name: text, pos });
    const name = text as FunctionName;
    const args = this.#deeper(() => this.#args());
    const [least, most] = FUNCTIONS[name];
    if (args.length < least || args.length > most)
      refuse("expr_arity", `${name} takes ${least} to ${most} arguments.`, { name });
    return this.#node({ op: "call", name, args });
  }

  #args(): readonly Expression[] {
    if (this.#takes(")")) return [];
    const args = [this.#expression()];
    while (this.#takes(",")) args.push(this.#expression());
    this.#close();
    return args;
  }

  #close(): void {
    if (!this.#takes(")")) this.#unexpected();
  }

  #node<E extends Expression>(node: E): E {
    if (++this.#nodes > SCENARIO_LIMITS.expressionNodes)
      refuse("expr_too_many_nodes", "The expression has too many parts.", { nodes: this.#nodes });
    return node;
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#depth > SCENARIO_LIMITS.expressionDepth)
      refuse("expr_too_deep", "The expression nests too deep.", { depth: this.#depth });
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "", pos: 0 };
  }

  #takes(text: string): boolean {
    const { kind, text: found } = this.#peek();
    const matches = (kind === "sign" || kind === "name") && found === text;
    if (matches) this.#at++;
    return matches;
  }

  #unexpected(): never {
    const { text, pos } = this.#peek();
    return refuse("expr_parse", `The expression cannot go on with "${text}" at ${pos}.`, { pos });
  }
}

/**
 * @throws CodedError (422) `expr_parse` {pos}, `expr_unknown_name` {name, pos} for functions, `expr_arity` {name},
 *   `expr_too_long`, `expr_too_deep`, `expr_too_many_nodes`.
 */
export function parseExpression(text: string): Expression {
  if (text.length > SCENARIO_LIMITS.expressionCharacters)
    refuse("expr_too_long", "The expression is too long.", { characters: text.length });
  return new Parser(text).whole();
}

/** The names in an expression, each once, in their order. */
export function namesIn(expression: Expression): readonly string[] {
  const visit = (node: Expression): readonly string[] => {
    switch (node.op) {
      case "name":
        return [node.name];
      case "value":
      case "count":
        return [];
      case "all":
      case "any":
      case "not":
      case "negate":
        return visit(node.inner);
      case "call":
        return node.args.flatMap(visit);
      case "if":
        return [node.condition, node.then, node.otherwise].flatMap(visit);
      default:
        return [node.left, node.right].flatMap(visit);
    }
  };
  return [...new Set(visit(expression))];
}
