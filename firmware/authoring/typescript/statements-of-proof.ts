/** evidence(…) and claim(…): what a reply rests on (vm.md 10). */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { literalText, literalValue } from "./arguments.ts";
import type { Frame, Left } from "./frame.ts";
import { membersOf, operandsOf } from "./operands.ts";

/** Members that the machine evaluates; all others are part of the instruction. */
const COMPUTED = new Set(["value", "evidence"]);

/** Fields of the instruction out of an object literal. */
function fieldsOf(frame: Frame, node: ts.Expression): Readonly<Record<string, Json>> {
  const { c } = frame;
  const bare = c.bare(node);
  const members = c.ts.isObjectLiteralExpression(bare) ? membersOf(c, bare) : undefined;
  if (members === undefined) {
    c.report(node, "literal_required", "The statement is written out.", "Write { name: value } here.");
    return {};
  }
  const computed = members.filter(([key]) => COMPUTED.has(key));
  const operands = operandsOf(
    frame,
    computed.map(([, value]) => value),
  );
  const literals = members
    .filter(([key]) => !COMPUTED.has(key))
    .map(([key, value]): [string, Json] => [key, literalValue(frame, value, key)]);
  return Object.fromEntries([
    ...literals,
    ...computed.map(([key], i): [string, Json] => [key, operands[i] ?? null]),
  ]);
}

export function evidenceCall(frame: Frame, call: ts.CallExpression): Left {
  const claim = literalText(frame, call, 0, "The claim") ?? "_";
  const statement = call.arguments[1];
  frame.emit(call, "EVIDENCE", { claim, ...(statement ? fieldsOf(frame, statement) : {}) });
  return "nothing";
}

export function claimCall(frame: Frame, call: ts.CallExpression): Left {
  const [statement] = call.arguments;
  frame.emit(call, "CLAIM", statement ? fieldsOf(frame, statement) : {});
  return "nothing";
}
