/** What all parts of the compiler share about one source: its tree, its types, its functions, its problems. */
import type ts from "typescript";
import type { CapabilityContract } from "../../capabilities/index.ts";
import type { Json } from "../../core/json.ts";
import type { Diagnostic, SourcePosition } from "../types.ts";
import { DECLARATIONS_FILE } from "./check-types.ts";
import { positionIn } from "./diagnostics.ts";
import type { TypeScript } from "./types.ts";

/** A function of the source and the names it has in the document. */
export interface UserFunction {
  readonly node: ts.FunctionDeclaration;
  readonly name: string;
  /** Registers of its parameters, in order. */
  readonly params: readonly string[];
}

export interface CompilationParts {
  readonly typescript: TypeScript;
  readonly checker: ts.TypeChecker;
  readonly source: ts.SourceFile;
  readonly file: string;
  readonly contracts: readonly CapabilityContract[];
}

export class Compilation {
  readonly ts: TypeScript;
  readonly checker: ts.TypeChecker;
  readonly source: ts.SourceFile;
  readonly diagnostics: Diagnostic[] = [];
  readonly contracts: ReadonlyMap<string, CapabilityContract>;
  readonly functions = new Map<ts.Symbol, UserFunction>();
  /** Values of constants, undefined for what is no constant; filled by `constants.ts`. */
  readonly constants = new Map<ts.Symbol, Json | undefined>();
  /** Symbols that an expression assigns to; filled by `assigned.ts`. */
  readonly assigned = new Map<ts.Node, ReadonlySet<ts.Symbol>>();
  readonly #types = new Map<ts.Node, ts.Type>();
  readonly #file: string;

  constructor(parts: CompilationParts) {
    this.ts = parts.typescript;
    this.checker = parts.checker;
    this.source = parts.source;
    this.#file = parts.file;
    this.contracts = new Map(parts.contracts.map((contract) => [contract.id, contract]));
  }

  positionOf(node: ts.Node): SourcePosition {
    return positionIn(this.source, this.#file, node);
  }

  /** The last character of a node: the brace that closes a function. */
  endOf(node: ts.Node): SourcePosition {
    return positionIn(this.source, this.#file, Math.max(node.getStart(this.source), node.end - 1));
  }

  report(node: ts.Node, code: string, message: string, hint: string | null = null): void {
    this.diagnostics.push({ position: this.positionOf(node), code, message, hint });
  }

  /** The narrowed type of an expression; kept, because the checker follows the control flow anew for every question. */
  typeOf(node: ts.Node): ts.Type {
    const known = this.#types.get(node);
    if (known !== undefined) return known;
    const type = this.checker.getTypeAtLocation(node);
    this.#types.set(node, type);
    return type;
  }

  /** What a name stands for, through imports; null for what the checker does not know. */
  symbolOf(name: ts.Node): ts.Symbol | null {
    const symbol =
      name.parent && this.ts.isShorthandPropertyAssignment(name.parent)
        ? this.checker.getShorthandAssignmentValueSymbol(name.parent)
        : this.checker.getSymbolAtLocation(name);
    if (!symbol) return null;
    return symbol.flags & this.ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  /** The name of a global or of an export of imu that an identifier stands for, null for the program's own. */
  libraryName(node: ts.Node): string | null {
    if (!this.ts.isIdentifier(node)) return null;
    const symbol = this.symbolOf(node);
    return symbol?.declarations?.[0]?.getSourceFile().fileName === DECLARATIONS_FILE ? symbol.name : null;
  }

  /** Whether all values of a type have one of the flags; the type without values has them all. */
  isAll(type: ts.Type, flags: ts.TypeFlags): boolean {
    const constraint =
      type.flags & this.ts.TypeFlags.Instantiable ? this.checker.getBaseConstraintOfType(type) : type;
    if (!constraint) return false;
    if (constraint.isUnion()) return constraint.types.every((part) => this.isAll(part, flags));
    return (constraint.flags & (flags | this.ts.TypeFlags.Never)) !== 0;
  }

  isNumber(node: ts.Node): boolean {
    return this.isAll(this.typeOf(node), this.ts.TypeFlags.NumberLike);
  }

  isText(node: ts.Node): boolean {
    return this.isAll(this.typeOf(node), this.ts.TypeFlags.StringLike);
  }

  isBoolean(node: ts.Node): boolean {
    return this.isAll(this.typeOf(node), this.ts.TypeFlags.BooleanLike);
  }

  isBytes(type: ts.Type): boolean {
    if (type.isUnion()) return type.types.every((part) => this.isBytes(part));
    const symbol = type.getSymbol();
    return (
      symbol?.name === "Bytes" && symbol.declarations?.[0]?.getSourceFile().fileName === DECLARATIONS_FILE
    );
  }

  isArray(type: ts.Type): boolean {
    if (type.isUnion()) return type.types.every((part) => this.isArray(part));
    return this.checker.isArrayType(type) || this.checker.isTupleType(type);
  }

  /** Whether `length` is the number of items, octets or code points: of all values of the type, of some, of none. */
  sized(type: ts.Type): "all" | "some" | "none" {
    const parts = type.isUnion() ? type.types : [type];
    const isSized = (part: ts.Type): boolean =>
      this.isArray(part) || this.isBytes(part) || this.isAll(part, this.ts.TypeFlags.StringLike);
    if (parts.every(isSized)) return "all";
    return parts.some(isSized) ? "some" : "none";
  }

  /** Whether a name is the variable of a catch clause. */
  isCaught(symbol: ts.Symbol): boolean {
    const declaration = symbol.valueDeclaration;
    return declaration !== undefined && this.ts.isCatchClause(declaration.parent);
  }

  /** Whether the parent of a node assigns to it. */
  changes(node: ts.Node): boolean {
    const { ts } = this;
    const { parent } = node;
    if (ts.isBinaryExpression(parent))
      return parent.left === node && this.isAssignment(parent.operatorToken.kind);
    return (
      ts.isPostfixUnaryExpression(parent) ||
      (ts.isPrefixUnaryExpression(parent) && this.isStep(parent.operator))
    );
  }

  isAssignment(kind: ts.SyntaxKind): boolean {
    return kind >= this.ts.SyntaxKind.FirstAssignment && kind <= this.ts.SyntaxKind.LastAssignment;
  }

  /** ++ and --. */
  isStep(kind: ts.SyntaxKind): boolean {
    return kind === this.ts.SyntaxKind.PlusPlusToken || kind === this.ts.SyntaxKind.MinusMinusToken;
  }

  /** Parentheses, `as const` and `satisfies` change no value. */
  bare(node: ts.Expression): ts.Expression {
    const { ts } = this;
    let at = node;
    while (ts.isParenthesizedExpression(at) || ts.isSatisfiesExpression(at) || ts.isAsExpression(at))
      at = at.expression;
    return at;
  }
}
