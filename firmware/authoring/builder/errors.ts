/** A mistake of the code that uses the builder; the program it was building does not exist. */
import { CodedError } from "../../core/errors.ts";

export type BuilderCode =
  | "label_not_placed"
  | "label_placed_twice"
  | "label_name_taken"
  | "wrong_frame"
  | "function_exists"
  | "special_object"
  | "bad_value"
  | "builder_closed";

export class BuilderError extends CodedError<BuilderCode> {
  constructor(code: BuilderCode, message: string, remedy: string) {
    super(code, message, { status: 422, details: { remedy } });
  }
}
