/** What stands at the top level, and types that would promise too much. */
import type ts from "typescript";
import type { Compilation } from "./compilation.ts";
import { constantOf, literalOf } from "./constants.ts";

/** `as const`, or a declared type that cannot be written to: every function can read a table, so nobody may write it. */
function isFixed(c: Compilation, { type, initializer }: ts.VariableDeclaration): boolean {
  const { ts } = c;
  if (type === undefined) return initializer !== undefined && isAsConst(c, initializer);
  if (ts.isTypeOperatorNode(type)) return true;
  return (
    ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName) && type.typeName.text === "ReadonlyArray"
  );
}

function isAsConst(c: Compilation, node: ts.Expression): boolean {
  const { ts } = c;
  if (ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node))
    return isAsConst(c, node.expression);
  return ts.isAsExpression(node);
}

function checkVariable(c: Compilation, node: ts.VariableDeclaration, isConst: boolean): void {
  const { initializer, name } = node;
  if (c.ts.isIdentifier(name) && name.text === "program") return;
  if (!isConst || !initializer) {
    c.report(
      node,
      "no_global_variable",
      "Functions share no variables.",
      "Pass it as a parameter, or make it a const.",
    );
    return;
  }
  if (constantOf(c, initializer) !== undefined) return;
  if (literalOf(c, initializer) === undefined)
    c.report(
      initializer,
      "literal_required",
      "A const at the top level is a literal.",
      "Compute it in a function.",
    );
  else if (!isFixed(c, node))
    c.report(
      initializer,
      "as_const_required",
      "A shared table cannot change.",
      "Write as const after it, or give it a type: readonly number[].",
    );
}

/** Reading a key that is not there gives null, so the type of the value has to say so. */
function checkIndexSignature(c: Compilation, node: ts.IndexSignatureDeclaration): void {
  const type = c.typeOf(node.type);
  const parts = type.isUnion() ? type.types : [type];
  if (parts.some((part) => part.flags & c.ts.TypeFlags.Null)) return;
  c.report(
    node,
    "index_may_be_null",
    "A key that is not there reads as null.",
    "Write [key: string]: T | null.",
  );
}

export function checkDeclarations(c: Compilation): void {
  const { ts } = c;
  for (const node of c.source.statements) {
    if (!ts.isVariableStatement(node)) continue;
    const isConst = (node.declarationList.flags & ts.NodeFlags.BlockScoped) === ts.NodeFlags.Const;
    for (const declaration of node.declarationList.declarations) checkVariable(c, declaration, isConst);
  }
  const visit = (node: ts.Node): void => {
    if (ts.isIndexSignatureDeclaration(node)) checkIndexSignature(c, node);
    if (ts.isIdentifier(node) && isAny(c, node))
      c.report(node, "no_any", "Nothing says what this holds.", "Give it a type.");
    ts.forEachChild(node, visit);
  };
  visit(c.source);
}

/** Names of values only; labels and names of types have none. */
function isAny(c: Compilation, node: ts.Identifier): boolean {
  const { ts } = c;
  const symbol = c.checker.getSymbolAtLocation(node);
  if (!symbol || !(symbol.flags & ts.SymbolFlags.Variable)) return false;
  return (c.typeOf(node).flags & ts.TypeFlags.Any) !== 0;
}
