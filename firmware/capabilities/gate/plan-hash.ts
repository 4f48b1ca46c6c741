import { hashJson } from "../../core/hash.ts";
import type { JsonObject } from "../../core/json.ts";

/**
 * Identity of a planned call, H(JCS({args, capability, target, version})); `args` with defaults applied. The same
 * on every device with the same registry.
 */
export function planHashOf(
  contract: { readonly id: string; readonly version: string },
  target: string,
  args: JsonObject,
): string {
  return hashJson({ args, capability: contract.id, target, version: contract.version });
}
