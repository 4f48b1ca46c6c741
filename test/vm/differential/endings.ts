/** How frames, tasks and runs end. */
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { Frame } from "./frame.ts";
import type { Choices } from "./genome.ts";

/** Ends frame, task or run, mostly behind a condition. */
export function writeEnding(frame: Frame, choices: Choices): void {
  const over = frame.labels.next();
  if (choices.below(4) < 3) {
    frame.need(["boolean"], choices);
    frame.act("JZ", { label: over }, 1);
  }
  const value = (): JsonObject => ({ value: frame.operands.of("any", choices) });
  const kind = choices.below(4);
  if (frame.fn !== null && kind < 2) frame.act("RET", choices.below(2) === 0 ? {} : value(), 0);
  else if (kind === 3) frame.act("HALT", {}, 0);
  else if (kind === 2) frame.act("RESPOND", { status: 201, body: frame.registerOperands(false) }, 0);
  else {
    const reason = choices.pick(["broken", "__proto__"]);
    const details: JsonObject = choices.oneIn(2)
      ? { details: { a: 1, r: frame.operands.of("any", choices) } }
      : {};
    frame.act("FAIL", { reason, message: "for people", ...details }, 0);
  }
  frame.place(over);
}

/** A task answers with its registers, with and without a claim, or ends without. */
export function endBody(frame: Frame, choices: Choices): void {
  const end = choices.below(4);
  if (end === 1 || end === 2) frame.emit("EVIDENCE", { claim: "body" });
  if (end === 3) frame.emit("HALT");
  else frame.emit("RESPOND", { body: frame.registerOperands(false) });
}
