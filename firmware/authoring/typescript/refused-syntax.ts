/** Constructs of TypeScript that are no part of the language, with what to write instead. */
import type ts from "typescript";
import type { TypeScript } from "./types.ts";

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

const say = (code: string, message: string, hint: string | null = null): Refusal => ({ code, message, hint });

const closure = say(
  "no_closure",
  "Functions are not values here.",
  "Declare a function at the top level and call it by name; iterate with for-of.",
);
const classes = say("no_class", "There are no classes.", "Write an interface and functions.");
const asynchronous = say(
  "no_async",
  "There are no promises.",
  "Calls wait by themselves; for work beside this one write spawn and join.",
);
const generics = say("no_generics", "There are no type parameters.", "Write the types out.");
const typeLevel = say("no_computed_type", "Types are not computed here.", "Write the type out.");
const spread = say("no_spread", "There is no spread.", "Push or set the members one by one.");
const pattern = say("no_destructuring", "There is no destructuring.", "Read the members one by one.");
const cast = say(
  "no_cast",
  "A cast would hide what the value is.",
  "Narrow it: typeof, isArray, isObject, asNumber, asText.",
);
const equality = say("no_loose_equality", "== and != convert their operands.", "Write === or !==.");

type Kinds = readonly (readonly [keyof typeof ts.SyntaxKind, Refusal])[];

const BY_KIND: Kinds = [
  ["ArrowFunction", closure],
  ["FunctionExpression", closure],
  ["MethodDeclaration", closure],
  ["GetAccessor", closure],
  ["SetAccessor", closure],
  ["FunctionType", closure],
  ["CallSignature", closure],
  ["MethodSignature", closure],
  ["ClassDeclaration", classes],
  ["ClassExpression", classes],
  ["ThisKeyword", classes],
  ["SuperKeyword", classes],
  ["NewExpression", say("no_class", "There is no new.", "Write an object or array literal.")],
  ["AwaitExpression", asynchronous],
  [
    "ForInStatement",
    say("no_for_in", "There is no for-in.", "Write for (const key of Object.keys(object))."),
  ],
  ["YieldExpression", say("no_generator", "There are no generators.", "Push into an array.")],
  ["TypeParameter", generics],
  ["ConditionalType", typeLevel],
  ["MappedType", typeLevel],
  ["TemplateLiteralType", typeLevel],
  ["InferType", typeLevel],
  ["IntersectionType", typeLevel],
  ["TypePredicate", typeLevel],
  [
    "AnyKeyword",
    say("no_any", "any hides what the value is.", "Write the type; for any JSON write Json from imu."),
  ],
  ["UnknownKeyword", say("no_any", "unknown hides what the value is.", "Write Json from imu and narrow it.")],
  ["ObjectKeyword", say("no_any", "object hides what the value is.", "Write an interface or JsonObject.")],
  ["UndefinedKeyword", say("no_undefined", "There is no undefined.", "Write null.")],
  ["SymbolKeyword", say("no_symbol", "There are no symbols.", "Use a string.")],
  ["BigIntKeyword", say("no_bigint", "There are no big integers.", "Numbers are exact to 2^53.")],
  ["BigIntLiteral", say("no_bigint", "There are no big integers.", "Numbers are exact to 2^53.")],
  ["TypeAssertionExpression", cast],
  ["NonNullExpression", say("no_cast", "! hides that the value may be null.", "Compare with null first.")],
  ["SpreadElement", spread],
  ["SpreadAssignment", spread],
  ["ObjectBindingPattern", pattern],
  ["ArrayBindingPattern", pattern],
  [
    "RegularExpressionLiteral",
    say("no_regex", "There are no regular expressions.", "Write indexOf, slice and split."),
  ],
  ["EnumDeclaration", say("no_enum", "There are no enums.", "Write a union of literals.")],
  ["ModuleDeclaration", say("no_namespace", "There are no namespaces.", "Put everything at the top level.")],
  ["NamespaceImport", say("no_namespace", "imu is imported by name.", 'Write import { sensor } from "imu".')],
  ["ExportAssignment", say("no_export", "There is no default export.", "Export program and main by name.")],
  [
    "ExportDeclaration",
    say("no_export", "Nothing is exported again.", "Export program and main where they are declared."),
  ],
  ["ImportEqualsDeclaration", say("no_import", "Only imu is imported.", 'Write import { … } from "imu".')],
  ["DebuggerStatement", say("no_debugger", "There is no debugger statement.", "Trace the run with imuctl.")],
  ["WithStatement", say("no_with", "There is no with.", "Name the object.")],
  [
    "TaggedTemplateExpression",
    say("no_tagged_template", "There are no tagged templates.", "Call a function."),
  ],
  ["DeleteExpression", say("no_delete", "delete is a statement here.", "Write it on a line of its own.")],
  ["VoidExpression", say("no_undefined", "There is no void operator.", "Write null.")],
  [
    "ComputedPropertyName",
    say("no_computed_name", "Names in a literal are written out.", "Set it afterwards: object[key] = value."),
  ],
  ["Decorator", classes],
  ["JsxElement", say("no_jsx", "There is no JSX.")],
  ["OmittedExpression", say("no_hole", "Arrays have no holes.", "Write null.")],
  ["QuestionDotToken", say("no_optional_chaining", "?. gives undefined.", "Write a === null ? null : a.b.")],
  ["CommaToken", say("no_comma", "There is no comma operator.", "Write two statements.")],
  ["AsteriskAsteriskToken", say("no_power", "There is no power.", "Multiply.")],
  ["AsteriskAsteriskEqualsToken", say("no_power", "There is no power.", "Multiply.")],
  [
    "InstanceOfKeyword",
    say("no_instanceof", "There are no classes.", "Narrow with typeof, isArray, isObject."),
  ],
  ["EqualsEqualsToken", equality],
  ["ExclamationEqualsToken", equality],
  ["AmpersandAmpersandEqualsToken", say("no_logical_assignment", "There is no &&=.", "Write an if.")],
  ["BarBarEqualsToken", say("no_logical_assignment", "There is no ||=.", "Write an if.")],
  ["QuestionQuestionEqualsToken", say("no_logical_assignment", "There is no ??=.", "Write an if.")],
  ["AsyncKeyword", asynchronous],
  ["DeclareKeyword", say("no_declare", "Only imu declares things that are elsewhere.", "Write them here.")],
  [
    "ImportKeyword",
    say("no_import", "Nothing is imported at run time.", 'Write import { … } from "imu" at the top.'),
  ],
  ["UsingKeyword", say("no_using", "There is no using.", "Write const.")],
];

/** Kinds that are part of the language; whatever is in neither table is refused as `not_supported`. */
const ALLOWED: readonly (keyof typeof ts.SyntaxKind)[] = [
  ...(["SourceFile", "EndOfFileToken", "ImportDeclaration", "ImportClause", "NamedImports"] as const),
  ...(["ImportSpecifier", "InterfaceDeclaration", "TypeAliasDeclaration", "FunctionDeclaration"] as const),
  ...(["VariableStatement", "VariableDeclarationList", "VariableDeclaration", "Parameter", "Block"] as const),
  ...(["EmptyStatement", "ExpressionStatement", "IfStatement", "DoStatement", "WhileStatement"] as const),
  ...(["ForStatement", "ForOfStatement", "ContinueStatement", "BreakStatement", "ReturnStatement"] as const),
  ...(["SwitchStatement", "CaseBlock", "CaseClause", "DefaultClause", "LabeledStatement"] as const),
  ...(["ThrowStatement", "TryStatement", "CatchClause", "Identifier", "NumericLiteral"] as const),
  ...(["StringLiteral", "NoSubstitutionTemplateLiteral", "TemplateExpression", "TemplateSpan"] as const),
  ...(["TemplateHead", "TemplateMiddle", "TemplateTail", "TrueKeyword", "FalseKeyword"] as const),
  ...(["NullKeyword", "ArrayLiteralExpression", "ObjectLiteralExpression", "PropertyAssignment"] as const),
  ...(["ShorthandPropertyAssignment", "PropertyAccessExpression", "ElementAccessExpression"] as const),
  ...(["CallExpression", "ParenthesizedExpression", "PrefixUnaryExpression", "BinaryExpression"] as const),
  ...(["PostfixUnaryExpression", "ConditionalExpression", "SatisfiesExpression", "AsExpression"] as const),
  ...(["TypeOfExpression", "TypeReference", "TypeLiteral", "PropertySignature", "IndexSignature"] as const),
  ...(["HeritageClause", "ExpressionWithTypeArguments"] as const),
  ...(["ArrayType", "TupleType", "UnionType", "ParenthesizedType"] as const),
  ...(["LiteralType", "TypeOperator", "TypeQuery", "IndexedAccessType", "NamedTupleMember"] as const),
  ...(["NumberKeyword", "StringKeyword", "BooleanKeyword", "VoidKeyword", "NeverKeyword"] as const),
  ...(["ExportKeyword", "ReadonlyKeyword", "ConstKeyword", "QuestionToken", "ColonToken"] as const),
  ...(["PlusToken", "MinusToken", "AsteriskToken", "SlashToken", "PercentToken"] as const),
  ...(["AmpersandToken", "BarToken", "CaretToken", "LessThanLessThanToken"] as const),
  ...(["GreaterThanGreaterThanToken", "GreaterThanGreaterThanGreaterThanToken"] as const),
  ...(["AmpersandAmpersandToken", "BarBarToken", "QuestionQuestionToken", "EqualsToken"] as const),
  ...(["EqualsEqualsEqualsToken", "ExclamationEqualsEqualsToken", "LessThanToken"] as const),
  ...(["LessThanEqualsToken", "GreaterThanToken", "GreaterThanEqualsToken", "InKeyword"] as const),
  ...(["PlusEqualsToken", "MinusEqualsToken", "AsteriskEqualsToken", "SlashEqualsToken"] as const),
  ...(["PercentEqualsToken", "AmpersandEqualsToken", "BarEqualsToken", "CaretEqualsToken"] as const),
  ...(["LessThanLessThanEqualsToken", "GreaterThanGreaterThanEqualsToken"] as const),
  ...(["GreaterThanGreaterThanGreaterThanEqualsToken", "DotToken"] as const),
];

export interface SyntaxTable {
  /** The refusal of a kind, null if it is part of the language. */
  of(kind: ts.SyntaxKind): Refusal | null;
}

export function syntaxTable(ts: TypeScript): SyntaxTable {
  const refused = new Map<ts.SyntaxKind, Refusal>(BY_KIND.map(([name, why]) => [ts.SyntaxKind[name], why]));
  const allowed = new Set<ts.SyntaxKind>(ALLOWED.map((name) => ts.SyntaxKind[name]));
  return {
    of(kind) {
      const known = refused.get(kind);
      if (known !== undefined) return known;
      if (allowed.has(kind)) return null;
      return say("not_supported", `${ts.SyntaxKind[kind]} is no part of the language.`);
    },
  };
}
