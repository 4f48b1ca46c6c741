/** Arithmetic, comparison, logic and bit operations in JavaScript (vm.md 4). */
import type { BlockWriter, Known } from "./block-writer.ts";
import type { Instruction } from "./instructions.ts";
import { ARRAY, BOOLEAN, BYTES, isOnly, NULL, NUMBER, OBJECT, TEXT, WORD } from "./kinds.ts";

export type Emit = (writer: BlockWriter, instruction: Instruction) => void;

const bothWords = (a: Known, b: Known): boolean => isOnly(a.kinds, WORD) && isOnly(b.kinds, WORD);

/** Of two numbers; the sum, difference or product of two words is always finite. */
const arithmetic =
  (write: (a: string, b: string) => string, wordsAreFinite: boolean): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    writer.needNumber(a);
    writer.needNumber(b);
    const result = writer.compute(write(a.text, b.text), NUMBER);
    if (!wordsAreFinite || !bothWords(a, b)) writer.needFinite(result);
    writer.pushKnown(result);
  };

const selecting =
  (name: string): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    writer.needNumber(a);
    writer.needNumber(b);
    writer.pushKnown(writer.compute(`Math.${name}(${a.text}, ${b.text})`, bothWords(a, b) ? WORD : NUMBER));
  };

/** Both operands any; the helper knows what is allowed. */
const integer =
  (helper: string): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    const result = writer.compute(`R.${helper}(${a.text}, ${b.text})`, NUMBER);
    writer.needDefined(result);
    writer.pushKnown(result);
  };

const unary =
  (write: (a: string) => string, ofWord: "word" | "same" | "number", mayFail = false): Emit =>
  (writer) => {
    const a = writer.pop();
    writer.needNumber(a);
    const isWord = isOnly(a.kinds, WORD);
    if (isWord && ofWord === "same") return writer.pushKnown(a);
    const result = writer.compute(write(a.text), isWord && ofWord === "word" ? WORD : NUMBER);
    if (mayFail) writer.needFinite(result);
    writer.pushKnown(result);
  };

const ordering =
  (sign: string): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    if (isOnly(a.kinds, NUMBER) || isOnly(b.kinds, NUMBER)) {
      writer.needNumber(a);
      writer.needNumber(b);
      return writer.pushKnown(writer.compute(`${a.text} ${sign} ${b.text}`, BOOLEAN));
    }
    const found = writer.compute(`R.order(run, fuel, ${a.text}, ${b.text})`, NUMBER);
    writer.needDefined(found);
    writer.takeBulk();
    writer.pushKnown(writer.compute(`${found.text} ${sign} 0`, BOOLEAN));
  };

/** A literal that is compared without bulk work: everything but long texts and bytes. */
const isSimple = ({ literal, kinds }: Known): boolean =>
  literal !== undefined &&
  (isOnly(kinds, NUMBER | BOOLEAN | NULL) || (typeof literal === "string" && literal.length <= 85));

const equality =
  (expected: boolean): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    const sign = expected ? "===" : "!==";
    const plain = NUMBER | BOOLEAN | NULL;
    if (isOnly(a.kinds, plain) || isOnly(b.kinds, plain) || isSimple(a) || isSimple(b)) {
      return writer.pushKnown(writer.compute(`${a.text} ${sign} ${b.text}`, BOOLEAN));
    }
    const found = writer.compute(`R.equal(run, fuel, ${a.text}, ${b.text})`, BOOLEAN);
    writer.needDefined(found);
    writer.takeBulk();
    writer.pushKnown(writer.compute(`${found.text} === ${expected}`, BOOLEAN));
  };

/** Nothing, zero or empty is false (vm.md 3). */
export function truth(value: Known): string {
  const { kinds, text } = value;
  if (isOnly(kinds, BOOLEAN)) return text;
  if (isOnly(kinds, NUMBER)) return `(${text} !== 0)`;
  if (isOnly(kinds, NULL)) return "false";
  if (isOnly(kinds, TEXT | ARRAY | BYTES)) return `(${text}.length > 0)`;
  return isOnly(kinds, OBJECT) ? `(${text}.size > 0)` : `R.truthy(${text})`;
}

const logic =
  (sign: string): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    writer.pushKnown(writer.compute(`${truth(a)} ${sign} ${truth(b)}`, BOOLEAN));
  };

const bits =
  (sign: string): Emit =>
  (writer) => {
    const b = writer.pop();
    const a = writer.pop();
    writer.needWord(a);
    writer.needWord(b);
    writer.pushKnown(writer.compute(`(${a.text} ${sign} ${b.text}) >>> 0`, WORD));
  };

const shift =
  (write: (a: string, by: string) => string): Emit =>
  (writer) => {
    const by = writer.pop();
    const a = writer.pop();
    writer.needWord(a);
    const isFixed =
      typeof by.literal === "number" && Number.isInteger(by.literal) && by.literal >= 0 && by.literal <= 31;
    if (!isFixed) writer.line(`if (!R.isShift(${by.text})) ${writer.exit()}`);
    writer.pushKnown(writer.compute(write(a.text, by.text), WORD));
  };

const ofWord =
  (write: (a: string, instruction: Instruction) => string): Emit =>
  (writer, instruction) => {
    const a = writer.pop();
    writer.needWord(a);
    writer.pushKnown(writer.compute(write(a.text, instruction), WORD));
  };

const bitSet: Emit = (writer, { source }) => {
  const flag = writer.pop();
  const word = writer.pop();
  writer.needWord(word);
  const mask = 1 << Number(source?.instr.bit);
  writer.pushKnown(
    writer.compute(`(${truth(flag)} ? ${word.text} | ${mask} : ${word.text} & ${~mask}) >>> 0`, WORD),
  );
};

export const numberEmitters: Readonly<Record<string, Emit>> = {
  ADD: arithmetic((a, b) => `${a} + ${b}`, true),
  SUB: arithmetic((a, b) => `${a} - ${b}`, true),
  // −0 does not exist: adding zero turns it into 0.
  MUL: arithmetic((a, b) => `${a} * ${b} + 0`, true),
  DIV: arithmetic((a, b) => `${a} / ${b} + 0`, false),
  MIN: selecting("min"),
  MAX: selecting("max"),
  MOD: integer("modulo"),
  IDIV: integer("quotient"),
  NEG: unary((a) => `-${a} + 0`, "number"),
  ABS: unary((a) => `Math.abs(${a})`, "word"),
  FLOOR: unary((a) => `Math.floor(${a}) + 0`, "same"),
  CEIL: unary((a) => `Math.ceil(${a}) + 0`, "same"),
  TRUNC: unary((a) => `Math.trunc(${a}) + 0`, "same"),
  ROUND: unary((a) => `R.roundHalfEven(${a})`, "same"),
  SQRT: unary((a) => `Math.sqrt(${a})`, "number", true),
  LT: ordering("<"),
  LE: ordering("<="),
  GT: ordering(">"),
  GE: ordering(">="),
  EQ: equality(true),
  NE: equality(false),
  AND: logic("&&"),
  OR: logic("||"),
  NOT: (writer) => {
    const a = writer.pop();
    writer.pushKnown(writer.compute(`!${truth(a)}`, BOOLEAN));
  },
  BAND: bits("&"),
  BOR: bits("|"),
  BXOR: bits("^"),
  BNOT: ofWord((a) => `~${a} >>> 0`),
  SHL: shift((a, by) => `(${a} << ${by}) >>> 0`),
  SHR: shift((a, by) => `${a} >>> ${by}`),
  SAR: shift((a, by) => `${a} >> ${by}`),
  SEXT: ofWord((a, { source }) => {
    const unused = 32 - Number(source?.instr.bits);
    return `(${a} << ${unused}) >> ${unused}`;
  }),
  BITGET: ofWord((a, { source }) => `(${a} >>> ${Number(source?.instr.bit)}) & 1`),
  BITSET: bitSet,
};
