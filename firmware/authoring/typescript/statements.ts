/** Statements. Between two of them the stack of the frame is empty. */
import type ts from "typescript";
import { Label } from "./code.ts";
import { constantOf } from "./constants.ts";
import type { Frame, Jumps } from "./frame.ts";
import { doLoop, forLoop, forOfLoop, whileLoop } from "./loops.ts";
import { operandsOf, plainOperand, registerOf } from "./operands.ts";

function declare(frame: Frame, list: ts.VariableDeclarationList): void {
  const { c } = frame;
  const isConst = (list.flags & c.ts.NodeFlags.BlockScoped) === c.ts.NodeFlags.Const;
  for (const declaration of list.declarations) {
    const { initializer, name } = declaration;
    const symbol = c.symbolOf(name);
    if (!initializer || symbol === null) continue;
    // Constants are written where they are used.
    if (isConst && constantOf(c, initializer) !== undefined) continue;
    frame.scoped(() => {
      const caught = isConst ? faultRegister(frame, initializer) : null;
      if (caught !== null) {
        frame.bind(symbol, { kind: "register", name: caught });
        return;
      }
      frame.lower.push(frame, initializer);
      const place = frame.placeOf(symbol);
      frame.emit(declaration, "STORE", { reg: place.kind === "register" ? place.name : "_" });
    });
  }
}

/** `const fault = faultOf(caught)` is another name of the register. */
function faultRegister(frame: Frame, node: ts.Expression): string | null {
  const { c } = frame;
  const bare = c.bare(node);
  return c.ts.isCallExpression(bare) && c.libraryName(bare.expression) === "faultOf"
    ? registerOf(frame, bare)
    : null;
}

function choose(frame: Frame, node: ts.IfStatement): void {
  const [otherwise, end] = [new Label(), new Label()];
  frame.scoped(() => frame.lower.branch(frame, node.expression, otherwise, false));
  frame.lower.statement(frame, node.thenStatement);
  if (node.elseStatement) {
    frame.jump(node, "JUMP", end);
    frame.place(otherwise);
    frame.lower.statement(frame, node.elseStatement);
    frame.place(end);
  } else frame.place(otherwise);
}

function leave(frame: Frame, node: ts.BreakOrContinueStatement): void {
  const { c } = frame;
  const isBreak = c.ts.isBreakStatement(node);
  const wanted = node.label?.text ?? null;
  const fits = (jumps: Jumps): boolean =>
    wanted === null ? isBreak || jumps.continueTo !== null : jumps.label === wanted;
  const target = frame.jumps.findLast(fits);
  const label = isBreak ? target?.breakTo : target?.continueTo;
  if (label) frame.jump(node, "JUMP", label);
}

function back(frame: Frame, node: ts.ReturnStatement): void {
  const { c } = frame;
  const value = node.expression;
  if (frame.fn === null) {
    if (value)
      c.report(node, "main_returns", "main gives no value.", "Write respond(status, body) or halt().");
    frame.emit(node, "HALT");
    return;
  }
  if (!value) {
    frame.emit(node, "RET");
    return;
  }
  const plain = plainOperand(frame, value);
  if (plain !== undefined) {
    frame.emit(node, "RET", { value: plain });
    return;
  }
  frame.scoped(() => frame.lower.push(frame, value));
  frame.emit(node, "RET");
}

function cases(frame: Frame, node: ts.SwitchStatement): void {
  const { c } = frame;
  const { ts } = c;
  const end = new Label();
  const clauses = node.caseBlock.clauses.map((clause) => ({ clause, label: new Label() }));
  frame.scoped(() => {
    const tests = clauses.flatMap(({ clause }) => (ts.isCaseClause(clause) ? [clause.expression] : []));
    const [value] = operandsOf(frame, [node.expression], tests);
    const isBuilt = typeof value === "object" && value !== null && ("lit" in value || Array.isArray(value));
    if (isBuilt)
      c.report(
        node.expression,
        "bad_switch",
        "A new value is equal to nothing.",
        "Switch on text or numbers.",
      );
    for (const { clause, label } of clauses) {
      if (!ts.isCaseClause(clause)) continue;
      frame.emit(clause, "PUSH", { value: value ?? null });
      frame.lower.push(frame, clause.expression);
      frame.emit(clause, "EQ");
      frame.jump(clause, "JNZ", label);
    }
  });
  const fallback = clauses.find(({ clause }) => ts.isDefaultClause(clause));
  frame.jump(node, "JUMP", fallback?.label ?? end);
  frame.jumps.push({ label: null, breakTo: end, continueTo: null });
  for (const { clause, label } of clauses) {
    frame.place(label);
    for (const statement of clause.statements) frame.lower.statement(frame, statement);
  }
  frame.jumps.pop();
  frame.place(end);
}

function guarded(frame: Frame, node: ts.TryStatement): void {
  const { c } = frame;
  const caught = node.catchClause;
  if (node.finallyBlock || !caught) {
    c.report(node, "no_finally", "There is no finally.", "Write what comes last after the try statement.");
    return;
  }
  const [handler, end] = [new Label(), new Label()];
  frame.jump(node, "TRY", handler);
  frame.lower.statement(frame, node.tryBlock);
  frame.emit(node, "ENDTRY");
  frame.jump(node, "JUMP", end);
  frame.place(handler);
  const symbol = caught.variableDeclaration ? c.symbolOf(caught.variableDeclaration.name) : null;
  const place = symbol === null ? null : frame.placeOf(symbol);
  if (place?.kind === "register") frame.emit(caught, "STORE", { reg: place.name });
  else frame.emit(caught, "POP");
  frame.lower.statement(frame, caught.block);
  frame.place(end);
}

function fail(frame: Frame, node: ts.ThrowStatement): void {
  const { c } = frame;
  const call = c.bare(node.expression);
  if (!c.ts.isCallExpression(call) || c.libraryName(call.expression) !== "fail") {
    c.report(node, "bad_throw", "Only fail(…) is thrown.", 'Write throw fail("reason", details).');
    return;
  }
  const [reason, details, message] = call.arguments;
  const name = reason ? constantOf(c, reason) : undefined;
  const text = message ? constantOf(c, message) : undefined;
  if (typeof name !== "string" || name === "")
    c.report(reason ?? call, "literal_required", "The reason is a literal.", 'Write fail("reason").');
  if (message && typeof text !== "string")
    c.report(message, "literal_required", "The message is a literal.", "Put what varies into the details.");
  frame.scoped(() => {
    const [operand] = details ? operandsOf(frame, [details]) : [];
    frame.emit(node, "FAIL", {
      reason: typeof name === "string" ? name : "_",
      ...(typeof text === "string" ? { message: text } : {}),
      ...(operand === undefined ? {} : { details: operand }),
    });
  });
}

/** `delete object[key];` */
function remove(frame: Frame, node: ts.DeleteExpression): void {
  const { c } = frame;
  const target = c.bare(node.expression);
  if (c.ts.isPropertyAccessExpression(target)) {
    const [oid] = operandsOf(frame, [target.expression]);
    frame.emit(node, "DELK", { oid: oid ?? null, key: target.name.text });
  } else if (c.ts.isElementAccessExpression(target) && c.isText(target.argumentExpression)) {
    const [oid, key] = operandsOf(frame, [target.expression, target.argumentExpression]);
    frame.emit(node, "DELK", { oid: oid ?? null, key: key ?? null });
  } else c.report(node, "no_delete", "Only members of objects are deleted.", "Write delete object[key].");
}

function labelled(frame: Frame, node: ts.LabeledStatement): void {
  const { ts } = frame.c;
  const { statement } = node;
  const isLoop = ts.isIterationStatement(statement, false);
  if (!isLoop) frame.c.report(node, "bad_label", "Only loops have labels.", "Label the loop.");
  frame.lower.statement(frame, statement);
}

function expression(frame: Frame, node: ts.ExpressionStatement): void {
  const bare = frame.c.bare(node.expression);
  frame.scoped(() => {
    if (frame.c.ts.isDeleteExpression(bare)) remove(frame, bare);
    else frame.lower.discard(frame, node.expression);
  });
}

export function compileStatement(frame: Frame, node: ts.Statement): void {
  const { ts } = frame.c;
  if (ts.isBlock(node)) for (const inner of node.statements) frame.lower.statement(frame, inner);
  else if (ts.isVariableStatement(node)) declare(frame, node.declarationList);
  else if (ts.isExpressionStatement(node)) expression(frame, node);
  else if (ts.isIfStatement(node)) choose(frame, node);
  else if (ts.isWhileStatement(node)) whileLoop(frame, node);
  else if (ts.isDoStatement(node)) doLoop(frame, node);
  else if (ts.isForStatement(node)) forLoop(frame, node, (list) => declare(frame, list));
  else if (ts.isForOfStatement(node)) forOfLoop(frame, node);
  else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) leave(frame, node);
  else if (ts.isReturnStatement(node)) back(frame, node);
  else if (ts.isSwitchStatement(node)) cases(frame, node);
  else if (ts.isTryStatement(node)) guarded(frame, node);
  else if (ts.isThrowStatement(node)) fail(frame, node);
  else if (ts.isLabeledStatement(node)) labelled(frame, node);
}
