/** What is wrong with a place in the text. Thrown inside the parser only; it becomes a diagnostic of its line. */
export class TextProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** Offset in the text, in UTF-16 units. */
  readonly at: number;

  constructor(code: string, message: string, hint: string | null, at: number) {
    this.code = code;
    this.message = message;
    this.hint = hint;
    this.at = at;
  }
}
