/** Finds everything in a syntax tree that is no part of the language, before any type is looked at. */
import type ts from "typescript";
import type { Diagnostic } from "../types.ts";
import { positionIn } from "./diagnostics.ts";
import { type Refusal, type SyntaxTable, syntaxTable } from "./refused-syntax.ts";
import type { TypeScript } from "./types.ts";

const say = (code: string, message: string, hint: string | null): Refusal => ({ code, message, hint });

const RESERVED_KEYS = new Set(["__proto__", "$bytes"]);
const IMPORT = say("no_import", "Only imu is imported.", 'Write import { … } from "imu".');
const DIRECTIVE = say(
  "no_directive",
  "Comments cannot change how types are checked.",
  "Remove it and correct what it hides.",
);
const UNDEFINED = say("no_undefined", "There is no undefined.", "Write null.");

/** The names of JavaScript that the checker knows without a library. */
const NAMES: ReadonlyMap<string, Refusal> = new Map([
  ["undefined", UNDEFINED],
  ["arguments", say("no_arguments", "There is no arguments object.", "Name the parameters.")],
  ["globalThis", say("no_global", "There is no global object.", "Import what you need from imu.")],
  ["eval", say("no_eval", "Text is not executed.", "Write the code.")],
]);

class Rules {
  readonly #ts: TypeScript;

  constructor(ts: TypeScript) {
    this.#ts = ts;
  }

  /** What is wrong with a node whose kind is allowed, or null. */
  of(node: ts.Node): Refusal | null {
    const ts = this.#ts;
    if (ts.isIdentifier(node)) return this.#identifier(node);
    if (ts.isParameter(node)) return this.#parameter(node);
    if (ts.isVariableDeclarationList(node)) return this.#list(node);
    if (ts.isVariableDeclaration(node)) return this.#variable(node);
    if (ts.isFunctionDeclaration(node)) return this.#function(node);
    if (ts.isImportDeclaration(node)) return this.#import(node);
    if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node))
      return this.#memberName(node.name);
    if (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) {
      const hint = "Narrow it: typeof, isArray, isObject, asNumber, asText.";
      return say("no_cast", "A cast would hide what the value is.", hint);
    }
    if (ts.isPropertySignature(node) && node.questionToken) {
      return say(
        "no_optional",
        "A member is always there; without a value it is null.",
        "Write name: T | null.",
      );
    }
    if (ts.isTypeOperatorNode(node) && node.operator !== ts.SyntaxKind.ReadonlyKeyword)
      return say("no_computed_type", "Types are not computed here.", "Write the type out.");
    if (ts.isForOfStatement(node) && !ts.isVariableDeclarationList(node.initializer))
      return say("for_of_variable", "for-of declares its variable.", "Write for (const item of items).");
    return this.#topLevel(node);
  }

  #identifier(node: ts.Identifier): Refusal | null {
    const { parent } = node;
    const isMember =
      (this.#ts.isPropertyAccessExpression(parent) && parent.name === node) ||
      ((this.#ts.isPropertyAssignment(parent) || this.#ts.isPropertySignature(parent)) &&
        parent.name === node);
    return isMember ? null : (NAMES.get(node.text) ?? null);
  }

  #parameter({ questionToken, initializer, dotDotDotToken }: ts.ParameterDeclaration): Refusal | null {
    if (dotDotDotToken) return say("no_rest", "There are no rest parameters.", "Take an array.");
    if (!questionToken && !initializer) return null;
    return say("no_optional", "Every argument is written.", "Write parameter: T | null and pass null.");
  }

  #list(node: ts.VariableDeclarationList): Refusal | null {
    const { NodeFlags } = this.#ts;
    const kind = node.flags & NodeFlags.BlockScoped;
    if (kind === NodeFlags.Let || kind === NodeFlags.Const) return null;
    return kind === 0
      ? say("no_var", "var is visible outside its block.", "Write let or const.")
      : say("no_using", "There is no using.", "Write const.");
  }

  #variable(node: ts.VariableDeclaration): Refusal | null {
    if (node.exclamationToken)
      return say("no_cast", "! hides that the variable may be unset.", "Give it a value.");
    const ts = this.#ts;
    const isDeclared =
      ts.isVariableDeclarationList(node.parent) && ts.isVariableStatement(node.parent.parent);
    if (isDeclared && !node.initializer && !node.type)
      return say("type_required", "Nothing says what this variable holds.", "Write let name: T;");
    return null;
  }

  #function(node: ts.FunctionDeclaration): Refusal | null {
    if (!this.#ts.isSourceFile(node.parent))
      return say(
        "no_closure",
        "Functions are declared at the top level.",
        "Move it out and pass what it needs.",
      );
    if (node.asteriskToken) return say("no_generator", "There are no generators.", "Push into an array.");
    if (!node.body)
      return say("no_overload", "There are no overloads.", "Write one declaration with a body.");
    return null;
  }

  #import(node: ts.ImportDeclaration): Refusal | null {
    const ts = this.#ts;
    if (!ts.isStringLiteral(node.moduleSpecifier) || node.moduleSpecifier.text !== "imu") return IMPORT;
    return node.importClause === undefined || node.importClause.name !== undefined ? IMPORT : null;
  }

  #memberName(name: ts.PropertyName): Refusal | null {
    const ts = this.#ts;
    if (ts.isNumericLiteral(name))
      return say("no_numeric_name", "Keys are strings.", 'Write the name in quotes: "1".');
    if ((ts.isIdentifier(name) || ts.isStringLiteral(name)) && RESERVED_KEYS.has(name.text))
      return say("reserved_key", `${name.text} is reserved.`, "Choose another name.");
    return null;
  }

  #topLevel(node: ts.Node): Refusal | null {
    const ts = this.#ts;
    if (!node.parent || !ts.isSourceFile(node.parent) || node.kind === ts.SyntaxKind.EndOfFileToken)
      return null;
    const isDeclaration =
      ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isVariableStatement(node);
    if (isDeclaration || ts.isEmptyStatement(node)) return null;
    return say("top_level_statement", "Only declarations stand at the top level.", "Put it into main.");
  }
}

/** A refusal with the text it is about, in UTF-16 offsets: what else is wrong there is no news. */
export interface RefusedPlace {
  readonly diagnostic: Diagnostic;
  readonly from: number;
  readonly to: number;
}

/** Comments that change what the checker sees. */
function directives(source: ts.SourceFile, file: string): readonly RefusedPlace[] {
  const found = source.text.matchAll(/@ts-(?:ignore|expect-error|nocheck)|\/\/\/\s*<\w+/g);
  return [...found].map(({ index }) => ({
    diagnostic: { position: positionIn(source, file, index), ...DIRECTIVE },
    from: index,
    to: index,
  }));
}

/** All refusals. Nothing inside a refused construct is looked at again. */
export function refusedSyntax(ts: TypeScript, source: ts.SourceFile, file: string): readonly RefusedPlace[] {
  const table: SyntaxTable = syntaxTable(ts);
  const rules = new Rules(ts);
  const found: RefusedPlace[] = [...directives(source, file)];
  const visit = (node: ts.Node): void => {
    const isDelete = ts.isDeleteExpression(node) && ts.isExpressionStatement(node.parent);
    const refusal = isDelete ? null : (table.of(node.kind) ?? rules.of(node));
    if (refusal === null) ts.forEachChild(node, visit);
    else {
      const diagnostic = { position: positionIn(source, file, node), ...refusal };
      // A modifier or an operator stands for the construct it belongs to.
      const whole = node.end - node.pos > 0 && node.kind < ts.SyntaxKind.FirstNode ? node.parent : node;
      found.push({ diagnostic, from: whole.getStart(source), to: whole.end });
    }
  };
  visit(source);
  return found;
}

/** Types that can make the checker work without end; with one of these the types are not checked. */
export const hasTypeComputation = (refusals: readonly RefusedPlace[]): boolean =>
  refusals.some(({ diagnostic: { code } }) => code === "no_generics" || code === "no_computed_type");
