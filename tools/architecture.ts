/**
 * Checks the architecture as a rule: import directions between folders, the platform only inside adapters, bounds of
 * what enters only in the limits, no file that holds more than one concept's worth of lines. Run by `npm run check` and before every build.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

const MAX_LINES = 400;

/** What each part may import; parts not listed as a source are not checked. `x/types` names a file of shapes only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ["core"],
  adapters: ["core", "ports"],
  vm: ["core", "ports"],
  evidence: ["core", "ports"],
  ledger: ["core", "ports"],
  phi: ["core", "ports"],
  policy: ["core", "ports", "evidence", "vm"],
  capabilities: ["core", "ports", "vm", "evidence", "policy", "phi", "ledger"],
  sync: ["core", "ports", "ledger"],
  fleet: ["core", "ports", "ledger", "evidence"],
  runs: ["core", "ports", "vm", "evidence", "ledger", "policy", "phi", "capabilities"],
  ota: ["core", "ports", "policy", "phi", "ledger", "evidence", "vm"],
  drivers: ["core", "ports"],
  boards: ["core", "ports"],
  sim: ["core", "ports", "boards", "drivers", "vm", "evidence", "ledger", "policy", "phi", "capabilities"],
  systemd: ["core", "ports"],
  authoring: ["core", "ports", "vm", "capabilities"],
  // Whoever doubts the daemon must not run its code: the verifier shares nothing with it.
  verify: [],
};

/** Modules of the platform and packages, by part or file. Everything not listed is refused there. */
const EXTERNAL: readonly (readonly [where: RegExp, allowed: RegExp])[] = [
  [/^firmware\/core\/(hash|ed25519|seal)\.ts$/, /^node:crypto$/],
  [/^firmware\/core\/cbor\.ts$/, /^cbor-x$/],
  [/^firmware\/policy\//, /^(semver|ajv(\/.*)?)$/],
  [/^firmware\/capabilities\//, /^ajv(\/.*)?$/],
  [/^drivers\/devices\//, /^nmea-simple$/],
  [/^firmware\/authoring\//, /^(typescript|@jridgewell\/gen-mapping|@jridgewell\/trace-mapping)$/],
  [/^(firmware\/adapters|drivers\/providers)\//, /./],
  [/^sim\/scenario\//, /^yaml$/],
  [/^firmware\/(main\.ts|cli\/|composition\/)/, /./],
  [/^verify\/bytes\.ts$/, /^@noble\/hashes\/sha2\.js$/],
  [/^verify\/main\.ts$/, /^(node:.*|commander)$/],
];

const PLATFORM_ALLOWED =
  /^(firmware\/adapters\/|drivers\/providers\/|firmware\/main\.ts|firmware\/cli\/|verify\/main\.ts|sim\/swarm\/(main|host|pool|worker)\.ts)/;
const GLOBALS = new Map([
  ["process", "configuration handed in by main.ts"],
  ["console", "ports/log.ts"],
  ["performance", "ports/clock.ts"],
  ["setTimeout", "ports/clock.ts"],
  ["setInterval", "ports/clock.ts"],
  ["setImmediate", "ports/clock.ts"],
  ["fetch", "an adapter"],
  ["Intl", "plain arithmetic"],
]);

/** Devices and kernel interfaces have bounds of their own, which belong to their drivers. */
const LIMITS_CHECKED = /^(firmware|ota)\/(?!core\/limits)/;
const BOUND_NAME = /^(MAX_(\w+_)?(BYTES|DEPTH)|maxBytes|maxDepth)$/;

/** A number that is written out, also as a product such as `4 * 1024`. */
function isWrittenNumber(node: ts.Expression): boolean {
  if (ts.isBinaryExpression(node)) return isWrittenNumber(node.left) && isWrittenNumber(node.right);
  return ts.isNumericLiteral(node);
}

function boundOf(node: ts.Node): string | null {
  if (!ts.isVariableDeclaration(node) && !ts.isPropertyAssignment(node)) return null;
  const { name, initializer } = node;
  if (!ts.isIdentifier(name) || !initializer || !BOUND_NAME.test(name.text)) return null;
  return isWrittenNumber(initializer) ? `${name.text}: bounds of what enters live in core/limits.ts` : null;
}

/** The part a source file belongs to, for example `vm` or `drivers`; null where everything is allowed. */
export function partOf(file: string): string | null {
  const [top, second] = file.split("/");
  // The harness runs the whole daemon over simulated parts: it is a composition, like main.ts.
  if (top === "sim" && (second === "harness" || second === "swarm")) return null;
  if (top !== "firmware") return top ?? null;
  return second === "main.ts" || second === "cli" || second === "composition" ? null : (second ?? null);
}

function checkImport(file: string, specifier: string, typeOnly: boolean): string | null {
  const part = partOf(file);
  if (!specifier.startsWith(".")) {
    if (part === null || EXTERNAL.some(([where, allowed]) => where.test(file) && allowed.test(specifier)))
      return null;
    return `${specifier} may not be imported here: the platform and packages belong to adapters`;
  }
  const target = relative(".", resolve(dirname(file), specifier));
  const targetPart = partOf(target);
  if (part === null || targetPart === part) return null;
  if (targetPart === null) return `${target} is composition and may not be imported`;
  const allowed = MAY_IMPORT[part];
  if (!allowed) return null;
  if (typeOnly && /^firmware\/\w+\/types\.ts$/.test(target)) return null;
  if (!allowed.includes(targetPart)) return `${part} may not import ${targetPart}`;
  const open = targetPart === "core" || targetPart === "ports" || targetPart === "boards";
  if (!open && !/\/index\.ts$|\/types\.ts$/.test(target) && partOf(target) !== "drivers") {
    return `${targetPart} is imported through its public face index.ts only`;
  }
  return null;
}

function globalUse(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const name = `${node.expression.text}.${node.name.text}`;
    if (name === "Date.now") return "Date.now: use ports/clock.ts";
    if (name === "Math.random") return "Math.random: use ports/entropy.ts";
  }
  if (ts.isPropertyAccessExpression(node) && node.name.text === "localeCompare")
    return "localeCompare: compare bytes";
  if (
    ts.isNewExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === "Date" &&
    !node.arguments?.length
  ) {
    return "new Date(): use ports/clock.ts";
  }
  if (!ts.isIdentifier(node) || !GLOBALS.has(node.text)) return null;
  const { parent } = node;
  const isName =
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent)) &&
      parent.name === node) ||
    ((ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) || ts.isParameter(parent)) &&
      parent.name === node) ||
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isBindingElement(parent) ||
    ts.isVariableDeclaration(parent) ||
    ts.isTypeReferenceNode(parent) ||
    ts.isQualifiedName(parent);
  return isName ? null : `${node.text}: use ${GLOBALS.get(node.text)}`;
}

/** All violations of one file. @param file path relative to the project root, with forward slashes. */
export function checkSource(file: string, text: string): Violation[] {
  const violations: Violation[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const report = (node: ts.Node, rule: string, message: string | null): void => {
    if (message === null) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    violations.push({ file, line, rule, message });
  };
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.isTypeOnly === true
        : node.isTypeOnly;
      report(node, "import", checkImport(file, node.moduleSpecifier.text, typeOnly));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument))
        report(node, "import", checkImport(file, argument.text, false));
    } else if (!PLATFORM_ALLOWED.test(file)) {
      report(node, "platform", globalUse(node));
    }
    if (LIMITS_CHECKED.test(file)) report(node, "limits", boundOf(node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  const lines = text.split("\n").length - 1;
  if (lines > MAX_LINES) {
    violations.push({
      file,
      line: lines,
      rule: "size",
      message: `${lines} lines, at most ${MAX_LINES}: one concept per file`,
    });
  }
  return violations;
}

function sources(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? sources(path) : path.endsWith(".ts") ? [path] : []));
}

/** Every violation in the product's own folders, in file order. */
export function checkTree(): Violation[] {
  return ["firmware", "drivers", "boards", "ota", "sim", "verify"]
    .flatMap(sources)
    .sort()
    .flatMap((file) => checkSource(file, readFileSync(file, "utf8")));
}

if (process.argv[1]?.endsWith("architecture.ts")) {
  const violations = checkTree();
  for (const { file, line, rule, message } of violations)
    process.stderr.write(`${file}:${line} [${rule}] ${message}\n`);
  if (violations.length > 0) process.exitCode = 1;
  else
    process.stdout.write(
      "architecture: imports point one way, the platform stays in adapters, bounds in the limits\n",
    );
}
