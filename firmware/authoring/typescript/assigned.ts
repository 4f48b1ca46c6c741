/** Which variables an expression changes: what was read before must then be kept. */
import type ts from "typescript";
import type { Compilation } from "./compilation.ts";

function targetOf(c: Compilation, node: ts.Node): ts.Expression | null {
  const { ts } = c;
  if (ts.isBinaryExpression(node)) return c.isAssignment(node.operatorToken.kind) ? node.left : null;
  if (ts.isPostfixUnaryExpression(node)) return node.operand;
  return ts.isPrefixUnaryExpression(node) && c.isStep(node.operator) ? node.operand : null;
}

/** The variables that a node assigns to, inside its own function. */
export function assignedIn(c: Compilation, node: ts.Node): ReadonlySet<ts.Symbol> {
  const known = c.assigned.get(node);
  if (known !== undefined) return known;
  const found = new Set<ts.Symbol>();
  const target = targetOf(c, node);
  if (target !== null) {
    const bare = c.bare(target);
    const symbol = c.ts.isIdentifier(bare) ? c.symbolOf(bare) : null;
    if (symbol !== null) found.add(symbol);
  }
  c.ts.forEachChild(node, (child) => {
    for (const symbol of assignedIn(c, child)) found.add(symbol);
  });
  c.assigned.set(node, found);
  return found;
}
