/** Calls of capabilities: `gpio.write("pump", 1)` becomes CAP with named arguments. */
import type ts from "typescript";
import type { CapabilityContract } from "../../capabilities/index.ts";
import type { Json } from "../../core/json.ts";
import type { Compilation } from "./compilation.ts";
import { constantOf } from "./constants.ts";
import type { Frame, Left } from "./frame.ts";
import { membersOf, operandsOf } from "./operands.ts";

/** The parameter that names an output of policy. */
const OUTPUT = "output";

/** The contract that a callee such as `gpio.write` names, null if it is none. */
export function contractOf(c: Compilation, callee: ts.Expression): CapabilityContract | null {
  if (!c.ts.isPropertyAccessExpression(callee)) return null;
  const group = c.libraryName(callee.expression);
  return group === null ? null : (c.contracts.get(`${group}.${callee.name.text}`) ?? null);
}

type Named = readonly [name: string, value: ts.Expression];

/** Members of an argument that is an object literal. */
function namedArguments(frame: Frame, node: ts.Expression): readonly Named[] {
  const { c } = frame;
  const bare = c.bare(node);
  const members = c.ts.isObjectLiteralExpression(bare) ? membersOf(c, bare) : undefined;
  if (members !== undefined) return members;
  c.report(
    node,
    "literal_required",
    "Named arguments are written out.",
    "Write { name: value } in the call.",
  );
  return [];
}

/** Whether the call has its arguments by name alone: the checker chose that signature. */
function isNamedForm(c: Compilation, call: ts.CallExpression): boolean {
  const declaration = c.checker.getResolvedSignature(call)?.getDeclaration();
  const name = declaration?.parameters[0]?.name;
  return name !== undefined && c.ts.isIdentifier(name) && name.text === "args";
}

function argumentsOf(frame: Frame, call: ts.CallExpression, contract: CapabilityContract): readonly Named[] {
  const [first] = call.arguments;
  if (isNamedForm(frame.c, call)) return first ? namedArguments(frame, first) : [];
  const { positional } = contract;
  const placed = call.arguments
    .slice(0, positional.length)
    .map((value, i): Named => [positional[i] ?? "", value]);
  const more = call.arguments[positional.length];
  return more ? [...placed, ...namedArguments(frame, more)] : placed;
}

function noteOutput(frame: Frame, contract: CapabilityContract, named: readonly Named[]): void {
  const written = named.find(([name]) => name === OUTPUT);
  if (written === undefined || !Object.hasOwn(contract.params.properties, OUTPUT)) return;
  const value = constantOf(frame.c, written[1]);
  if (typeof value === "string") frame.outputs.add(value);
  else {
    const hint = "Branch, and write the name in each call.";
    frame.c.report(written[1], "output_not_literal", "The name of an output is a literal.", hint);
  }
}

/** Where the evidence ids of the call go, if the source asks for them. */
function evidenceRegister(frame: Frame, call: ts.CallExpression): string | undefined {
  const { c } = frame;
  let at: ts.Node = call;
  while (c.ts.isParenthesizedExpression(at.parent)) at = at.parent;
  if (!c.ts.isVariableDeclaration(at.parent)) return undefined;
  const symbol = c.symbolOf(at.parent.name);
  return symbol === null ? undefined : frame.evidence.get(symbol);
}

export function capabilityCall(frame: Frame, call: ts.CallExpression, contract: CapabilityContract): Left {
  const named = argumentsOf(frame, call, contract);
  noteOutput(frame, contract, named);
  frame.capabilities.add(contract.id);
  const operands = operandsOf(
    frame,
    named.map(([, value]) => value),
  );
  const args = Object.fromEntries(named.map(([name], i): [string, Json] => [name, operands[i] ?? null]));
  const evidence = evidenceRegister(frame, call);
  frame.emit(call, "CAP", {
    name: contract.id,
    ...(named.length === 0 ? {} : { args }),
    ...(evidence === undefined ? {} : { evidence }),
  });
  return "value";
}
