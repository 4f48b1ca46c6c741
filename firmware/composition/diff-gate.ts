/** The one wrapper without a device: it plans recorded calls under any policy, and nothing can act (capabilities.md 5). */
import {
  Admission,
  AdmissionGate,
  CapabilityGate,
  type CapabilityRegistry,
  DEFAULT_GATE_SETTINGS,
  ExclusivePaths,
  RateLimiter,
} from "../capabilities/index.ts";
import { CodedError } from "../core/errors.ts";
import { GATE_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { ReleaseSet } from "../runs/index.ts";
import { ANY_CHANNELS, detachedOutputs, detachedRegistry } from "./state-capabilities.ts";

export interface JudgeParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Whose topics are reserved. */
  readonly fleet: string;
  readonly device: string;
}

function detached(): never {
  throw new CodedError("no_device", "No device is attached here; calls are judged, nothing can be done.");
}

export const judgeRegistry = ({ clock, entropy, fleet, device }: JudgeParts): Promise<CapabilityRegistry> =>
  detachedRegistry({ clock, entropy, channels: ANY_CHANNELS, owner: { fleet, device } });

/**
 * Asks only what signed policy and the call itself say: hardware is there, nothing is busy, withdrawn or in quarantine,
 * because a record does not say how that was.
 */
export function judgeGate(parts: JudgeParts, registry: CapabilityRegistry, set: ReleaseSet): CapabilityGate {
  const { clock } = parts;
  const none = () => undefined;
  return new CapabilityGate({
    registry,
    clock,
    decider: set.decider,
    budget: { charge: detached, refund: detached },
    standing: { bootLocked: () => true, quarantine: () => null, withdrawn: () => [] },
    killSwitch: { killed: () => false },
    permissions: { records: () => [] },
    probe: { probe: async () => null },
    admission: new AdmissionGate(
      new Admission(
        { global: 1, perSubject: 1, perCapability: {} },
        { queuePerSubject: GATE_LIMITS.queuePerSubject, queueTotal: GATE_LIMITS.queueTotal },
      ),
      clock,
    ),
    rates: new RateLimiter(),
    paths: new ExclusivePaths(),
    outputs: detachedOutputs({ clock, entropy: parts.entropy, channels: ANY_CHANNELS }),
    intents: { commit: async () => detached() },
    observer: { usage: none, incident: none, alert: none, asked: none },
    settings: DEFAULT_GATE_SETTINGS,
    simulated: false,
  });
}
