/** Calls: of functions of the source, of imu, of capabilities, of methods. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { capabilityCall, contractOf } from "./capability-calls.ts";
import type { UserFunction } from "./compilation.ts";
import type { Frame, Left } from "./frame.ts";
import { MODULE_FUNCTIONS, mathCall, methodCall } from "./module-functions.ts";
import { operandsOf } from "./operands.ts";
import { claimCall, evidenceCall } from "./statements-of-proof.ts";

function functionOf(frame: Frame, node: ts.Expression): UserFunction | null {
  const symbol = frame.c.ts.isIdentifier(node) ? frame.c.symbolOf(node) : null;
  return (symbol === null ? undefined : frame.c.functions.get(symbol)) ?? null;
}

function bindings(frame: Frame, fn: UserFunction, given: readonly ts.Expression[]): readonly Json[] {
  return operandsOf(frame, given).map((value, i) => ({ to: fn.params[i] ?? "_", value }));
}

function userCall(frame: Frame, call: ts.CallExpression, fn: UserFunction): Left {
  const args = bindings(frame, fn, call.arguments);
  frame.calls.add(fn.name);
  frame.emit(call, "CALLF", { name: fn.name, ...(args.length === 0 ? {} : { args }) });
  return "value";
}

function spawnCall(frame: Frame, call: ts.CallExpression): Left {
  const [run, ...given] = call.arguments;
  const fn = run ? functionOf(frame, frame.c.bare(run)) : null;
  if (fn === null) {
    const hint = "Declare a function at the top level and pass its name.";
    frame.c.report(run ?? call, "bad_spawn", "A task is a function of this program.", hint);
    return "nothing";
  }
  const args = bindings(frame, fn, given);
  const as = frame.temporary();
  frame.calls.add(fn.name);
  frame.emit(call, "SPAWN", { as, func: fn.name, ...(args.length === 0 ? {} : { args }) });
  frame.emit(call, "LOAD", { reg: as });
  return "value";
}

/** A call of an export of imu by its name; null for others. */
function moduleCall(frame: Frame, call: ts.CallExpression, name: string): Left | null {
  if (name === "spawn") return spawnCall(frame, call);
  if (name === "evidence") return evidenceCall(frame, call);
  if (name === "claim") return claimCall(frame, call);
  return Object.hasOwn(MODULE_FUNCTIONS, name) ? (MODULE_FUNCTIONS[name]?.(frame, call) ?? null) : null;
}

function memberCall(frame: Frame, call: ts.CallExpression, callee: ts.PropertyAccessExpression): Left | null {
  const { c } = frame;
  const contract = contractOf(c, callee);
  if (contract !== null) return capabilityCall(frame, call, contract);
  const owner = c.libraryName(callee.expression);
  if (owner === "Math") return mathCall(frame, call, callee.name.text);
  if (owner === "Object") {
    const [of] = call.arguments;
    if (of && c.sized(c.typeOf(of)) !== "none")
      c.report(of, "bad_keys", "Only objects have keys.", "Write for (const item of items).");
    const [oid] = operandsOf(frame, call.arguments);
    frame.emit(call, "KEYS", { oid: oid ?? null });
    return "value";
  }
  return methodCall(frame, call, callee);
}

/** Functions of imu that have a place of their own: the code and the hint for any other place. */
const MISUSED: ReadonlyMap<string, readonly [code: string, hint: string]> = new Map([
  ["fail", ["bad_throw", 'Write throw fail("reason").']],
  ["faultOf", ["bad_fault", "Write catch (caught) { const fault = faultOf(caught); … }."]],
]);

export function compileCall(frame: Frame, call: ts.CallExpression): Left {
  const { c } = frame;
  const callee = c.bare(call.expression);
  const fn = functionOf(frame, callee);
  if (fn !== null) return userCall(frame, call, fn);
  const name = c.libraryName(callee);
  const left =
    name !== null
      ? moduleCall(frame, call, name)
      : c.ts.isPropertyAccessExpression(callee)
        ? memberCall(frame, call, callee)
        : null;
  if (left !== null) return left;
  const anywhere = "Call a function of this program, of imu, or a capability.";
  const [code, hint] = MISUSED.get(name ?? "") ?? ["bad_call", anywhere];
  c.report(call, code, "This cannot be called here.", hint);
  return "nothing";
}
