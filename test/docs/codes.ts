/** Which stable codes the source answers with or records, read from its syntax. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";

const FOLDERS = ["firmware", "ota", "drivers", "boards", "sim"];
const CODE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/** Functions that take a code as their first argument, wherever they are declared. */
const MAKERS = new Set(
  ["refusal", "CodedError", "failed", "fail", "refuse", "raise", "alert", "issue", "problem"].concat([
    "Trap",
    "vmError",
    "quotaError",
    "damage",
  ]),
);
/** Calls of the same names that tell a step or a log event, not a code. */
const NOT_CODES = new Set([
  "schedule", // a log event of the triggers
  "gpio_trigger", // a log event of the triggers
  "shadow", // a step of an update
  "plan", // a step of an update
  "gates", // a step of an update
  "control", // a class of capabilities
  "ok", // the outcome of a command that was done
]);

export interface Found {
  readonly code: string;
  readonly file: string;
}

function sources(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

const calledName = (node: ts.CallExpression | ts.NewExpression): string => {
  const callee = node.expression;
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) ? callee.name.text.replace("#", "") : "";
};

/** The literal, or both branches of a conditional. */
function literals(node: ts.Expression | undefined): readonly string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteral(node)) return [node.text];
  return ts.isConditionalExpression(node) ? [...literals(node.whenTrue), ...literals(node.whenFalse)] : [];
}

function codesOf(node: ts.Node): readonly string[] {
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
    return MAKERS.has(calledName(node)) ? literals(node.arguments?.[0]) : [];
  }
  const isCode = ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === "code";
  return isCode ? literals(node.initializer) : [];
}

export interface Scan {
  /** Codes at the places that make them. */
  readonly made: readonly Found[];
  /** Every word that stands in a string of the source, so every code that it can know of. */
  readonly words: ReadonlySet<string>;
}

export function scanSources(): Scan {
  const made: Found[] = [];
  const words = new Set<string>();
  for (const path of FOLDERS.flatMap((folder) => sources(join(PACKAGE_ROOT, folder)))) {
    const file = relative(PACKAGE_ROOT, path);
    const tree = ts.createSourceFile(file, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, false);
    const visit = (node: ts.Node): void => {
      for (const code of codesOf(node))
        if (CODE.test(code) && !NOT_CODES.has(code)) made.push({ code, file });
      if (ts.isStringLiteralLike(node)) for (const word of node.text.split(/\s+/)) words.add(word);
      // A record whose keys are codes, as in the table of statuses.
      if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) words.add(node.name.text);
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return { made, words };
}
