/** Expressions whose value is known while compiling. Folding gives what the machine would, or nothing. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import type { Compilation } from "./compilation.ts";

type Scalar = null | boolean | number | string;

const isScalar = (value: Json | undefined): value is Scalar =>
  value !== undefined && (value === null || typeof value !== "object");

/** A number that a document can hold; minus zero does not exist. */
const numeric = (value: number): number | undefined =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value + 0 : undefined;

const isWord = (n: number): boolean => Number.isInteger(n) && n >= -(2 ** 31) && n < 2 ** 32;
const isShift = (n: number): boolean => Number.isInteger(n) && n >= 0 && n < 32;

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number | undefined>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0 ? undefined : a / b),
  "%": (a, b) =>
    b === 0 || !Number.isSafeInteger(a) || !Number.isSafeInteger(b) ? undefined : ((a % b) + b) % b,
  "&": (a, b) => (isWord(a) && isWord(b) ? (a & b) >>> 0 : undefined),
  "|": (a, b) => (isWord(a) && isWord(b) ? (a | b) >>> 0 : undefined),
  "^": (a, b) => (isWord(a) && isWord(b) ? (a ^ b) >>> 0 : undefined),
  "<<": (a, b) => (isWord(a) && isShift(b) ? (a << b) >>> 0 : undefined),
  ">>": (a, b) => (isWord(a) && isShift(b) ? a >> b : undefined),
  ">>>": (a, b) => (isWord(a) && isShift(b) ? (a >>> 0) >>> b : undefined),
};

const COMPARISON: Readonly<Record<string, (a: number | string, b: number | string) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function binary(operator: string, a: Scalar, b: Scalar): Json | undefined {
  if (operator === "===") return a === b;
  if (operator === "!==") return a !== b;
  if (typeof a === "number" && typeof b === "number") {
    const folded = ARITHMETIC[operator]?.(a, b);
    if (folded !== undefined) return numeric(folded);
    return COMPARISON[operator]?.(a, b);
  }
  if (typeof a === "string" && typeof b === "string")
    return operator === "+" ? a + b : COMPARISON[operator]?.(a, b);
  return undefined;
}

function prefix(c: Compilation, node: ts.PrefixUnaryExpression): Json | undefined {
  const { SyntaxKind } = c.ts;
  const value = constantOf(c, node.operand);
  if (node.operator === SyntaxKind.MinusToken && typeof value === "number") return numeric(-value);
  if (node.operator === SyntaxKind.PlusToken && typeof value === "number") return value;
  if (node.operator === SyntaxKind.ExclamationToken && typeof value === "boolean") return !value;
  if (node.operator === SyntaxKind.TildeToken && typeof value === "number" && isWord(value))
    return ~value >>> 0;
  return undefined;
}

function named(c: Compilation, node: ts.Identifier): Json | undefined {
  const symbol = c.symbolOf(node);
  if (symbol === null) return undefined;
  if (c.constants.has(symbol)) return c.constants.get(symbol);
  c.constants.set(symbol, undefined);
  const declaration = symbol.valueDeclaration;
  if (!declaration || !c.ts.isVariableDeclaration(declaration) || !declaration.initializer) return undefined;
  if (!c.ts.isVariableDeclarationList(declaration.parent)) return undefined;
  if ((declaration.parent.flags & c.ts.NodeFlags.BlockScoped) !== c.ts.NodeFlags.Const) return undefined;
  const value = constantOf(c, declaration.initializer);
  c.constants.set(symbol, value);
  return value;
}

const HEX = /^(?:[0-9a-f]{2})*$/;

function called(c: Compilation, node: ts.CallExpression): Json | undefined {
  const [argument] = node.arguments;
  if (c.libraryName(node.expression) !== "bytes" || !argument) return undefined;
  const hex = constantOf(c, argument);
  return typeof hex === "string" && HEX.test(hex) ? { $bytes: hex } : undefined;
}

/** A number, text, boolean, null or bytes literal that is known now; undefined for anything else. */
export function constantOf(c: Compilation, expression: ts.Expression): Json | undefined {
  const { ts } = c;
  const node = c.bare(expression);
  if (ts.isNumericLiteral(node)) return numeric(Number(node.text));
  if (ts.isStringLiteralLike(node)) return node.text;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (node.kind === ts.SyntaxKind.NullKeyword) return null;
  if (ts.isIdentifier(node)) return named(c, node);
  if (ts.isPrefixUnaryExpression(node)) return prefix(c, node);
  if (ts.isCallExpression(node)) return called(c, node);
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = constantOf(c, node.left);
  const right = isScalar(left) ? constantOf(c, node.right) : undefined;
  return isScalar(left) && isScalar(right)
    ? binary(node.operatorToken.getText(c.source), left, right)
    : undefined;
}

/** Like `constantOf`, and arrays and objects of such values: tables, formats, schemas. */
export function literalOf(c: Compilation, expression: ts.Expression): Json | undefined {
  const { ts } = c;
  const node = c.bare(expression);
  if (ts.isArrayLiteralExpression(node)) {
    const items = node.elements.map((item) => literalOf(c, item));
    return items.every((item): item is Json => item !== undefined) ? items : undefined;
  }
  if (ts.isObjectLiteralExpression(node)) {
    const out: [string, Json][] = [];
    for (const property of node.properties) {
      const value = ts.isPropertyAssignment(property)
        ? literalOf(c, property.initializer)
        : ts.isShorthandPropertyAssignment(property)
          ? literalOf(c, property.name)
          : undefined;
      const key = property.name && "text" in property.name ? property.name.text : undefined;
      if (value === undefined || key === undefined) return undefined;
      out.push([key, value]);
    }
    return Object.fromEntries(out);
  }
  const constant = constantOf(c, node);
  const symbol = constant === undefined && ts.isIdentifier(node) ? c.symbolOf(node) : null;
  return symbol === null ? constant : tableOf(c, symbol)?.value;
}

/** The array or object that a `const` at the top level was given; null for everything else. */
export function tableOf(
  c: Compilation,
  symbol: ts.Symbol,
): { readonly node: ts.Node; readonly value: Json } | null {
  const declaration = symbol.valueDeclaration;
  if (!declaration || !c.ts.isVariableDeclaration(declaration) || !declaration.initializer) return null;
  if (!c.ts.isSourceFile(declaration.parent.parent.parent) || declaration.getSourceFile() !== c.source)
    return null;
  const value = literalOf(c, declaration.initializer);
  return value === undefined ? null : { node: declaration, value };
}
