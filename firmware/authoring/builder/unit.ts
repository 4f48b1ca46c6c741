/** One list of instructions in the making: the main one with its functions, or a body. */
import type { Json, JsonObject } from "../../core/json.ts";
import { BuilderError } from "./errors.ts";
import type { FrameOwner } from "./values.ts";

/** A place to jump to, which must be placed once in the frame it was made in. */
export class Label {
  readonly owner: FrameOwner;
  /** Null: a name is found for it when the list is finished. */
  readonly wanted: string | null;
  isUsed = false;
  isPlaced = false;

  constructor(owner: FrameOwner, wanted: string | null) {
    this.owner = owner;
    this.wanted = wanted;
  }
}

type Draft = (nameOf: (label: Label) => string) => JsonObject;

export class UnitDraft {
  readonly #drafts: Draft[] = [];
  readonly #labels: Label[] = [];
  readonly functions = new Set<string>();
  /** The frame that is being written; null until its first instruction. */
  open: FrameOwner | null = null;
  #isClosed = false;

  add(draft: Draft): void {
    if (this.#isClosed) {
      const remedy = "emit everything inside of the callback that got the builder.";
      throw new BuilderError("builder_closed", "This part of the program is finished.", remedy);
    }
    this.#drafts.push(draft);
  }

  label(owner: FrameOwner, wanted: string | null): Label {
    if (wanted !== null && this.#labels.some((label) => label.wanted === wanted)) {
      const message = `There is a label ${wanted} in this list already.`;
      throw new BuilderError("label_name_taken", message, "leave the name away: one is found.");
    }
    const label = new Label(owner, wanted);
    this.#labels.push(label);
    return label;
  }

  /** @throws BuilderError `label_not_placed` for a label that something jumps to. */
  finish(): readonly Json[] {
    this.#isClosed = true;
    const forgotten = this.#labels.find((label) => label.isUsed && !label.isPlaced);
    if (forgotten !== undefined) {
      const name = forgotten.wanted ?? "without a name";
      const message = `The label ${name} is jumped to, but it is nowhere.`;
      throw new BuilderError("label_not_placed", message, "call place(label) where the jump shall lead.");
    }
    const names = this.#names();
    return this.#drafts.map((draft) => draft((label) => names.get(label) ?? ""));
  }

  #names(): ReadonlyMap<Label, string> {
    const taken = new Set(this.#labels.map(({ wanted }) => wanted));
    const names = new Map<Label, string>();
    let next = 1;
    for (const label of this.#labels) {
      while (label.wanted === null && taken.has(`L${next}`)) next++;
      names.set(label, label.wanted ?? `L${next++}`);
    }
    return names;
  }
}
