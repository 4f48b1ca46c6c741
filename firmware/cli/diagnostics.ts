/** Problems of a source as compilers print them, so that editors find the place: `file:line:column: code: message`. */
import type { Diagnostic, SourcePosition } from "../authoring/types.ts";
import type { Json } from "../core/json.ts";
import { safe } from "./text.ts";

export const placeText = ({ file, line, column }: SourcePosition): string => `${file}:${line}:${column}`;

export function diagnosticText({ position, code, message, hint }: Diagnostic, isWarning = false): string {
  const kind = isWarning ? "warning: " : "";
  const line = `${placeText(position)}: ${kind}${code}: ${message}`;
  return `${safe(line)}\n${hint === null ? "" : `  hint: ${safe(hint)}\n`}`;
}

export const diagnosticJson = ({ position, code, message, hint }: Diagnostic): Json => ({
  ...position,
  code,
  message,
  hint,
});
