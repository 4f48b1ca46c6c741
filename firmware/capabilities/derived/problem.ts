/** How compiling says what is wrong with a manifest. */
import { type Refusal, refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { LintFinding } from "../contract/lint.ts";

export type DerivedCode = LintFinding["code"] | "unused_param" | "unknown_capability" | "example_mismatch";

/** Longest path that is told; manifests may have long names. */
const PATH_CHARACTERS = 256;

/** A refusal (422) with the place in the manifest, for example `$.steps[0].args.output`. */
export const problem = (code: DerivedCode, path: string, details: JsonObject = {}): Refusal =>
  refusal(code, 422, { path: path.slice(0, PATH_CHARACTERS), ...details });
