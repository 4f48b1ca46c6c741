/** Answers a machine from a recorded journal. Written apart from the product's replay, which it judges. */
import type { Completion, JournalEntry, MachineInputs } from "../../../firmware/vm/index.ts";

export class JournalPlayer implements MachineInputs {
  readonly #journal: readonly JournalEntry[];
  #next = 0;

  constructor(journal: readonly JournalEntry[]) {
    this.#journal = journal;
  }

  elapsedMs(): number {
    const entry = this.#journal[this.#next++];
    if (entry?.t !== "elapsed") throw new Error(`The journal has no time at entry ${this.#next - 1}.`);
    return entry.value;
  }

  take(
    turn: number,
    machine: { waitingOf(task: number): { readonly id: number } | null },
  ): readonly Completion[] {
    const taken: Completion[] = [];
    for (;;) {
      const entry = this.#journal[this.#next];
      if ((entry?.t !== "call" && entry?.t !== "wake") || entry.turn !== turn) return taken;
      const request = machine.waitingOf(entry.task)?.id;
      if (request === undefined)
        throw new Error(`Task ${entry.task} waits for nothing at entry ${this.#next}.`);
      taken.push(completionOf(entry, request));
      this.#next++;
    }
  }
}

function completionOf(entry: JournalEntry & { t: "call" | "wake" }, request: number): Completion {
  if (entry.t === "wake") return { kind: "wake", request };
  const { evidence, result, error } = entry;
  if (error) return { kind: "call", request, answer: { ok: false, error, evidence } };
  return { kind: "call", request, answer: { ok: true, result: result ?? null, evidence } };
}
