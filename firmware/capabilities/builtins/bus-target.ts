/** Where a bus call goes: a bound input, a declared output, or a raw address that needs a permission. */
import type { Refusal } from "../../core/errors.ts";
import { refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import { deviceUri, exclusiveOf, type HardwareUri, parseUri, resourceOf } from "../outputs/uris.ts";
import { bindingOf, outputOf, plainTarget, textArg, undefinedTarget, wrongScheme } from "./define.ts";

type Scheme = HardwareUri["scheme"];

export interface BusQuestion {
  readonly scheme: Scheme;
  /** Address given by raw arguments, if there is one. */
  readonly raw?: HardwareUri;
  /** Whether an address may be used for reading without an output: decides read or effect. */
  readonly isRead: (address: HardwareUri) => boolean;
  readonly writeBytes: number;
  readonly known: (address: HardwareUri) => boolean;
}

/** Resolves `output`, `input` or a raw address of a bus call. */
export function busTarget(ctx: RunContext, args: JsonObject, question: BusQuestion): Target {
  const wantedOutput = textArg(args, "output");
  if (wantedOutput !== undefined) {
    const output = outputOf(ctx.policy, wantedOutput);
    if (!output) return undefinedTarget("output", wantedOutput, "effect", "write");
    return addressed(output.uri, question, { output, kind: "effect", bound: true });
  }
  const input = textArg(args, "input");
  if (input !== undefined) {
    const binding = bindingOf(ctx.policy, input);
    if (!binding) return undefinedTarget("binding", input, "read", "read");
    const address = parseUri(binding.uri);
    const reads = address !== null && question.isRead(address);
    // A write to a bound input is an effect, and an effect needs an output that carries its guard.
    const problem = reads ? null : refusal("output_undeclared", 403, { input, why: "this transfer writes" });
    return addressed(binding.uri, question, {
      output: null,
      kind: reads ? "read" : "effect",
      bound: true,
      problem,
    });
  }
  const { raw } = question;
  if (!raw) {
    const problem = refusal("unknown_target", 404, { why: "neither input, output nor address given" });
    return plainTarget({ uri: `${question.scheme}:?`, action: "read", class: "read", problem });
  }
  const device = deviceUri(raw);
  const bound = ctx.policy.bindings.some(({ uri }) => uri === device || uri.startsWith(`${device}/`));
  const reads = bound ? question.isRead(raw) : question.writeBytes === 0;
  const problem = reads
    ? null
    : refusal("output_undeclared", 403, { target: device, why: "this transfer writes" });
  return addressed(device, question, { output: null, kind: reads ? "read" : "effect", bound, problem });
}

function addressed(
  uri: string,
  question: BusQuestion,
  found: Pick<Target, "output" | "bound"> & {
    readonly kind: "read" | "effect";
    readonly problem?: Refusal | null;
  },
): Target {
  const address = parseUri(uri);
  const action = found.kind === "read" ? "read" : "write";
  const base = { uri, action, class: found.kind, output: found.output, bound: found.bound };
  if (address?.scheme !== question.scheme)
    return plainTarget({ ...base, problem: wrongScheme(uri, question.scheme) });
  const resource = resourceOf(address);
  return plainTarget({
    ...base,
    uri: deviceUri(address),
    resources: resource === null ? [] : [resource],
    exclusive: exclusiveOf(address),
    writeBytes: question.writeBytes,
    problem:
      found.problem ?? (question.known(address) ? null : refusal("unknown_target", 404, { target: uri })),
  });
}
