/** What to write instead of members that JavaScript has and the machine has not. */

const MEMBERS: Readonly<Record<string, string>> = {
  round: "Write roundHalfEven(x) from imu.",
  random: "A program is deterministic; random numbers come in its payload.",
  pow: "Multiply; the machine has no powers.",
  map: "Write a for-of loop that pushes into a new array.",
  filter: "Write a for-of loop that pushes into a new array.",
  forEach: "Write a for-of loop.",
  reduce: "Write a for-of loop.",
  find: "Write a for-of loop.",
  some: "Write a for-of loop.",
  every: "Write a for-of loop.",
  pop: "Arrays only grow; keep a count, or take slice(0, length - 1).",
  shift: "Arrays only grow; take slice(1, length).",
  splice: "Arrays only grow; build a new one.",
  sort: "Write the loop; the machine does not sort.",
  join: "Concatenate in a loop.",
  concat: "Push in a loop; for bytes write concat(a, b) from imu.",
  substring: "Write slice(start, end).",
  substr: "Write slice(start, end).",
  charAt: "Write slice(i, i + 1).",
  charCodeAt: "Encode the text: encode(text, 'utf8')[i].",
  endsWith: "Compare text.slice(text.length - part.length, text.length).",
  replace: "Split and concatenate.",
  trim: "toNumber allows spaces; else slice.",
  toString: "Write toText(value) from imu.",
  toFixed: "Write toText(value, digits) from imu.",
};

const NAMES: Readonly<Record<string, string>> = {
  Number: "Write toNumber(text) from imu.",
  String: "Write toText(value) from imu.",
  parseFloat: "Write toNumber(text) from imu.",
  parseInt: "Write toNumber(text) from imu.",
  Date: "Write elapsed() from imu, or call clock.now().",
  console: "A program has no console; publish or respond.",
  JSON: "Values are JSON already; hand them over as they are.",
  setTimeout: "Write sleep(ms) from imu.",
  Record: "Write Dictionary<T> from imu.",
  Map: "Write Dictionary<T> from imu.",
  Set: "Write Dictionary<boolean> from imu.",
  Uint8Array: 'Write bytes("0a1b") or pack(…) from imu.',
  Error: 'Write throw fail("reason") from imu.',
  undefined: "Write null.",
  NaN: "Not-a-number does not exist; the operation that would make it is an error.",
  Infinity: "Infinity does not exist; the operation that would make it is an error.",
};

const own = (table: Readonly<Record<string, string>>, name: string | undefined): string | null =>
  name !== undefined && Object.hasOwn(table, name) ? (table[name] ?? null) : null;

/** @param code number of the checker's message. */
export function hintFor(code: number, text: string): string | null {
  const name = /'([^']*)'/.exec(text)?.[1];
  switch (code) {
    case 2339:
    case 2550:
    case 2551:
      return own(MEMBERS, name);
    case 2304:
    case 2318:
    case 2552:
    case 2580:
    case 2583:
    case 2584:
    case 2585:
      return own(NAMES, name) ?? "Import it from imu, or declare it.";
    case 2307:
      return 'Only the module "imu" can be imported.';
    case 18046:
      return "Write faultOf(caught) from imu: it has code, reason and details.";
    case 18047:
    case 2531:
      return "Compare with null first.";
    default:
      return null;
  }
}
