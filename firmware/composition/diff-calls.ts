/** Follows a run through its journal: which calls it made, where they stand in the document, where it ended. */
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { schemaCheck } from "../runs/index.ts";
import {
  type CapabilityView,
  type JournalEntry,
  type MachineResult,
  type MachineView,
  replayJournal,
  type VerifiedProgram,
} from "../vm/index.ts";

export type Place = MachineView["at"];
type CallEntry = JournalEntry & { readonly t: "call" };
type Inputs = Pick<MachineResult, "journal" | "limits" | "payload" | "trigger">;

export interface MadeCall {
  /** From 1, in the order of asking. */
  readonly number: number;
  readonly task: number;
  readonly at: Place | null;
  readonly entry: CallEntry;
  /** It may act on the world: an effect, or a transfer that names an output. */
  readonly acts: boolean;
}

export interface Followed {
  readonly calls: readonly MadeCall[];
  /** The last instruction that ran; null if none did. */
  readonly end: Place | null;
  readonly result: MachineResult;
}

/** The same call asks for the same thing. */
export const callKey = ({ capability, args }: Pick<CallEntry, "capability" | "args">): string =>
  canonicalize([capability, args]);

export function mayAct(view: CapabilityView, capability: string, args: Json): boolean {
  const kind = view.resolve(capability)?.class;
  return kind === "effect" || (kind !== "read" && isJsonObject(args) && typeof args.output === "string");
}

interface Asked {
  readonly task: number;
  /** Steps used before the instruction that asked. */
  readonly steps: number;
}

/** A request becomes visible after the instruction that makes it: it belongs to the step before. */
function askedOf(program: VerifiedProgram, inputs: Inputs) {
  const asked: Asked[] = [];
  let last = 0;
  const replayed = replayJournal(
    program,
    inputs,
    {},
    {
      checkSchema: schemaCheck,
      executor: "interpreter",
      observe: (machine) => {
        for (const request of machine.takeRequests())
          if (request.kind === "call") asked.push({ task: request.task, steps: last });
        last = machine.steps;
      },
    },
  );
  if (replayed.ok) return { asked, last, result: replayed.result };
  throw new CodedError(replayed.code, "The run does not follow its own journal.", {
    status: 422,
    details: { entry: replayed.entry, expected: replayed.expected, got: replayed.got },
  });
}

function placesOf(program: VerifiedProgram, inputs: Inputs, wanted: ReadonlySet<number>) {
  const places = new Map<number, Place>();
  replayJournal(
    program,
    inputs,
    {},
    {
      checkSchema: schemaCheck,
      executor: "interpreter",
      observe: (machine) => {
        const at = wanted.has(machine.steps) ? machine.inspect()?.at : undefined;
        if (at !== undefined) places.set(machine.steps, at);
      },
    },
  );
  return places;
}

/** @throws CodedError `replay_divergence` (422) if the journal is not one of this program. */
export function follow(program: VerifiedProgram, inputs: Inputs, view: CapabilityView): Followed {
  const { asked, last, result } = askedOf(program, inputs);
  const entries = new Map<number, CallEntry[]>();
  for (const entry of inputs.journal) {
    if (entry.t === "call") entries.set(entry.task, [...(entries.get(entry.task) ?? []), entry]);
  }
  const places = placesOf(program, inputs, new Set([...asked.map(({ steps }) => steps), last]));
  const calls: MadeCall[] = [];
  const made = (entry: CallEntry, steps: number): void => {
    const acts = mayAct(view, entry.capability, entry.args);
    calls.push({ number: calls.length + 1, task: entry.task, at: places.get(steps) ?? null, entry, acts });
  };
  for (const { task, steps } of asked) {
    const entry = entries.get(task)?.shift();
    if (entry !== undefined) made(entry, steps);
  }
  // A run that ends with the answer of a call has no step after it.
  for (const [, rest] of entries) for (const entry of rest) made(entry, last);
  return { calls, end: places.get(last) ?? null, result };
}
