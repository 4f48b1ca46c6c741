/** A capability: its contract, how its arguments name a target, and the driver call behind it. */
import type { Refusal } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { ResourceRequirement } from "../core/resource-required.ts";
import type { CompiledOutput } from "../policy/types.ts";
import type { RunContext } from "./context.ts";
import type { CapabilityContract } from "./contract/types.ts";
import type { EvidenceDraft } from "./ports.ts";

/** What a call is about, worked out of checked arguments and signed policy alone. */
export interface Target {
  /** Policy topic and key of rates, quarantine and usage, for example `gpio://gpiochip0/17`. */
  readonly uri: string;
  readonly action: string;
  /** A transfer may be a read or an effect, depending on what is bound. */
  readonly class: CapabilityContract["class"];
  readonly output: CompiledOutput | null;
  /** Named by signed policy, so that no permission record is needed. */
  readonly bound: boolean;
  readonly resources: readonly string[];
  readonly exclusive: string | null;
  /** The call sets the output to exactly its declared safe value. */
  readonly safeValue: boolean;
  /** Bytes that the call would write to stores and buses, and hand to the outbox. */
  readonly writeBytes: number;
  readonly netBytes: number;
  /** What step 8 refuses with, or null. */
  readonly problem: Refusal | null;
  /** A name that policy does not define: reported at step 9; policy and permissions have nothing to judge. */
  readonly undefinedName: ResourceRequirement | null;
}

export interface Invocation {
  readonly ctx: RunContext;
  readonly args: JsonObject;
  readonly target: Target;
  readonly signal: AbortSignal;
  /** What the caller claims, for the calls that a compound capability makes. */
  readonly claims: readonly unknown[];
}

export interface DriverOutcome {
  readonly result: Json;
  readonly evidence: readonly EvidenceDraft[];
  /** What the calls of a compound capability have recorded and cost; both are booked already. */
  readonly calls?: { readonly evidence: readonly string[]; readonly chargedMilli: number };
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  readonly netBytes?: number;
}

/** A refusal of `perform`; `step` stands where a call that it made has failed, and has left its own records. */
export interface StepFailure extends Refusal {
  /** What the output of that call was driven to, when it was. */
  readonly step?: { readonly safeState: Json | undefined };
}

export interface Capability {
  readonly contract: CapabilityContract;
  /**
   * It acts only by calls that pass the wrapper themselves. Admission, guard, charge, intent and rehearsal are theirs:
   * the whole would wait for its own parts, be guarded for no output and be paid twice.
   */
  readonly compound?: true;
  /** Pure: acts on nothing and waits for nothing. */
  resolve(ctx: RunContext, args: JsonObject): Target;
  /** What the arguments themselves say about the world and do not prove; asked after the guard of an effect. */
  ungrounded?(ctx: RunContext, args: JsonObject): Refusal | null;
  /**
   * Acts. Refusals of stores and queues are returned; faults are thrown as CodedError with the codes of
   * ports/hardware.ts, `details.touched: false` when the bus was not touched.
   */
  perform(call: Invocation): Promise<DriverOutcome | StepFailure>;
  /**
   * What a dry run is answered with instead of acting. An effect without it is refused in a dry run; a local call that
   * becomes durable at once needs it too.
   */
  rehearse?(args: JsonObject): Json;
  /** Milliseconds that this call may take; without it the contract's `timeoutMs`. */
  timeoutMs?(args: JsonObject): number;
}
