/** Loops: the condition stands at the end, so that a round costs one jump less. */
import type ts from "typescript";
import { Label } from "./code.ts";
import { constantOf } from "./constants.ts";
import type { Frame } from "./frame.ts";
import { operandsOf } from "./operands.ts";

/** The label of a labelled statement, for its loop. */
export function labelOf(frame: Frame, node: ts.Statement): string | null {
  return frame.c.ts.isLabeledStatement(node.parent) ? node.parent.label.text : null;
}

interface Round {
  readonly body: ts.Statement;
  readonly condition: ts.Expression | null;
  readonly next: (() => void) | null;
  readonly checksFirst: boolean;
}

/** `checksFirst`: the first round, too, begins with the condition. */
function loop(frame: Frame, node: ts.Statement, { body, condition, next, checksFirst }: Round): void {
  const [top, again, test, end] = [new Label(), new Label(), new Label(), new Label()];
  const always = condition === null || constantOf(frame.c, condition) === true;
  if (checksFirst && !always) frame.jump(node, "JUMP", test);
  frame.place(top);
  frame.jumps.push({ label: labelOf(frame, node), breakTo: end, continueTo: again });
  frame.lower.statement(frame, body);
  frame.jumps.pop();
  frame.place(again);
  if (next !== null) next();
  frame.place(test);
  if (condition === null || always) frame.jump(node, "JUMP", top);
  else frame.scoped(() => frame.lower.branch(frame, condition, top, true));
  frame.place(end);
}

export function whileLoop(frame: Frame, node: ts.WhileStatement): void {
  loop(frame, node, { body: node.statement, condition: node.expression, next: null, checksFirst: true });
}

export function doLoop(frame: Frame, node: ts.DoStatement): void {
  loop(frame, node, { body: node.statement, condition: node.expression, next: null, checksFirst: false });
}

export function forLoop(
  frame: Frame,
  node: ts.ForStatement,
  declare: (list: ts.VariableDeclarationList) => void,
): void {
  const { initializer, incrementor } = node;
  if (initializer && frame.c.ts.isVariableDeclarationList(initializer)) declare(initializer);
  else if (initializer) frame.scoped(() => frame.lower.discard(frame, initializer));
  const next = incrementor ? () => frame.scoped(() => frame.lower.discard(frame, incrementor)) : null;
  const condition = node.condition ?? null;
  loop(frame, node, { body: node.statement, condition, next, checksFirst: true });
}

/** The list in a register that stays what it is during the loop. */
function listRegister(frame: Frame, node: ts.ForOfStatement): string {
  const { c } = frame;
  const bare = c.bare(node.expression);
  const symbol = c.ts.isIdentifier(bare) ? c.symbolOf(bare) : null;
  const declaration = symbol?.valueDeclaration;
  const [operand] = operandsOf(frame, [node.expression]);
  const isConst =
    declaration !== undefined &&
    c.ts.isVariableDeclaration(declaration) &&
    (declaration.parent.flags & c.ts.NodeFlags.BlockScoped) === c.ts.NodeFlags.Const;
  if (isConst && typeof operand === "string" && operand.startsWith("reg:")) return operand.slice(4);
  const name = frame.hidden("list");
  frame.emit(node.expression, "PUSH", { value: operand ?? null });
  frame.emit(node.expression, "STORE", { reg: name });
  return name;
}

/** Index and length are looked at in every round, as in JavaScript: a list that grows in its loop is followed. */
export function forOfLoop(frame: Frame, node: ts.ForOfStatement): void {
  const { c } = frame;
  if (!c.isArray(c.typeOf(node.expression))) {
    const hint = "Write text.split(…) or an index loop.";
    c.report(node.expression, "list_required", "for-of runs over arrays.", hint);
    return;
  }
  const declaration = c.ts.isVariableDeclarationList(node.initializer)
    ? node.initializer.declarations[0]
    : undefined;
  const symbol = declaration ? c.symbolOf(declaration.name) : null;
  if (!declaration || symbol === null) return;
  let list = "";
  frame.scoped(() => {
    list = listRegister(frame, node);
  });
  const index = frame.hidden("index");
  const place = frame.placeOf(symbol);
  const [top, again, test, end] = [new Label(), new Label(), new Label(), new Label()];
  const at = declaration.name;
  frame.emit(at, "PUSH", { value: 0 });
  frame.emit(at, "STORE", { reg: index });
  frame.jump(node, "JUMP", test);
  frame.place(top);
  frame.emit(at, "GETK", { oid: `reg:${list}`, key: `reg:${index}` });
  frame.emit(at, "STORE", { reg: place.kind === "register" ? place.name : "_" });
  frame.jumps.push({ label: labelOf(frame, node), breakTo: end, continueTo: again });
  frame.lower.statement(frame, node.statement);
  frame.jumps.pop();
  frame.place(again);
  for (const [op, fields] of [
    ["LOAD", { reg: index }],
    ["PUSH", { value: 1 }],
    ["ADD", {}],
  ] as const)
    frame.emit(at, op, fields);
  frame.emit(at, "STORE", { reg: index });
  frame.place(test);
  frame.emit(at, "LOAD", { reg: index });
  frame.emit(at, "LEN", { oid: `reg:${list}` });
  frame.emit(at, "LT");
  frame.jump(node, "JNZ", top);
  frame.place(end);
}
