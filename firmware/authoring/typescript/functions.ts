/** Functions of the source: main becomes the main code, the others FUNC … ENDFUNC. */
import type ts from "typescript";
import { assignedIn } from "./assigned.ts";
import { compileCall } from "./calls.ts";
import { contractOf } from "./capability-calls.ts";
import { operation } from "./code.ts";
import type { Compilation, UserFunction } from "./compilation.ts";
import { branchOn } from "./conditions.ts";
import { discardExpression, pushExpression } from "./expressions.ts";
import { Frame, freshName, type Lowering } from "./frame.ts";
import { isScalarType, operandsOf } from "./operands.ts";
import { compileStatement } from "./statements.ts";

const LOWERING: Lowering = {
  push: pushExpression,
  discard: discardExpression,
  branch: branchOn,
  operands: operandsOf,
  call: compileCall,
  statement: compileStatement,
};

/** Gives every function its name and its parameters their registers. */
export function collectFunctions(c: Compilation): ts.FunctionDeclaration | null {
  const names = new Set<string>();
  let main: ts.FunctionDeclaration | null = null;
  for (const node of c.source.statements) {
    if (!c.ts.isFunctionDeclaration(node) || !node.name) continue;
    if (node.name.text === "main") {
      main = node;
      continue;
    }
    const symbol = c.symbolOf(node.name);
    if (symbol === null) continue;
    const used = new Set<string>();
    const params = node.parameters.map(({ name }) => freshName(name.getText(c.source), used));
    c.functions.set(symbol, { node, name: freshName(node.name.text, names), params });
  }
  return main;
}

/** Gives a register to the evidence of each call whose result is handed to evidenceOf. */
function noteEvidence(frame: Frame, body: ts.Node): void {
  const { c } = frame;
  const visit = (node: ts.Node): void => {
    const argument = c.ts.isCallExpression(node) ? node.arguments[0] : undefined;
    if (c.ts.isCallExpression(node) && argument && c.libraryName(node.expression) === "evidenceOf") {
      const bare = c.bare(argument);
      const symbol = c.ts.isIdentifier(bare) ? c.symbolOf(bare) : null;
      const declaration = symbol?.valueDeclaration;
      if (symbol && declaration && isCallResult(c, declaration) && !frame.evidence.has(symbol))
        frame.evidence.set(symbol, frame.hidden(`${symbol.name}_evidence`));
    }
    c.ts.forEachChild(node, visit);
  };
  visit(body);
}

function isCallResult(c: Compilation, node: ts.Declaration): boolean {
  if (!c.ts.isVariableDeclaration(node) || !node.initializer) return false;
  const isConst = (node.parent.flags & c.ts.NodeFlags.BlockScoped) === c.ts.NodeFlags.Const;
  const value = c.ts.isParenthesizedExpression(node.initializer)
    ? c.bare(node.initializer)
    : node.initializer;
  return isConst && c.ts.isCallExpression(value) && contractOf(c, value.expression) !== null;
}

/** Whether main only reads single values of its input, so that they can be read in place. */
function readsInPlace(c: Compilation, input: ts.Symbol, body: ts.Node): boolean {
  if (assignedIn(c, body).has(input)) return false;
  let inPlace = true;
  const visit = (node: ts.Node): void => {
    if (c.ts.isIdentifier(node) && c.symbolOf(node) === input && !isMemberName(c, node)) {
      if (!endsInScalar(c, node)) inPlace = false;
      return;
    }
    c.ts.forEachChild(node, visit);
  };
  visit(body);
  return inPlace;
}

const isMemberName = (c: Compilation, node: ts.Identifier): boolean =>
  c.ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;

/** Follows `input.a.b` outwards as far as it goes through objects. */
function endsInScalar(c: Compilation, root: ts.Identifier): boolean {
  const { ts } = c;
  let at: ts.Expression = root;
  for (;;) {
    const { parent } = at;
    const isRead =
      (ts.isPropertyAccessExpression(parent) && parent.expression === at) ||
      (ts.isElementAccessExpression(parent) &&
        parent.expression === at &&
        ts.isStringLiteralLike(parent.argumentExpression));
    if (!isRead || c.isArray(c.typeOf(at))) return false;
    at = parent;
    if (isTarget(c, at)) return false;
    if (isScalarType(c, c.typeOf(at))) return true;
  }
}

/** Written to, not read. */
function isTarget(c: Compilation, node: ts.Node): boolean {
  return c.ts.isDeleteExpression(node.parent) || c.changes(node);
}

function bindInput(frame: Frame, node: ts.FunctionDeclaration, body: ts.Block): void {
  const { c } = frame;
  const [parameter, second] = node.parameters;
  if (second) c.report(second, "main_parameters", "main takes one input.", "Read its members.");
  const symbol = parameter ? c.symbolOf(parameter.name) : null;
  if (!parameter || symbol === null) return;
  if (readsInPlace(c, symbol, body)) {
    frame.bind(symbol, { kind: "payload" });
    return;
  }
  const place = frame.placeOf(symbol);
  frame.emit(parameter, "PUSH", { value: "$.payload" });
  frame.emit(parameter, "STORE", { reg: place.kind === "register" ? place.name : "_" });
}

/** Compiles main; its end is a HALT. */
export function compileMain(c: Compilation, node: ts.FunctionDeclaration): Frame {
  const frame = new Frame(c, LOWERING, null);
  if (node.body) {
    noteEvidence(frame, node.body);
    bindInput(frame, node, node.body);
    for (const statement of node.body.statements) compileStatement(frame, statement);
  }
  frame.items.push(operation("HALT", c.endOf(node)));
  return frame;
}

export function compileFunction(c: Compilation, { node, name, params }: UserFunction): Frame {
  const frame = new Frame(c, LOWERING, name);
  for (const [i, parameter] of node.parameters.entries()) {
    const symbol = c.symbolOf(parameter.name);
    if (symbol !== null) frame.bind(symbol, { kind: "register", name: params[i] ?? "_" });
  }
  if (node.body) {
    noteEvidence(frame, node.body);
    for (const statement of node.body.statements) compileStatement(frame, statement);
  }
  return frame;
}
