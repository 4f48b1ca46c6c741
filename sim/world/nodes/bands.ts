import { clamp, derived, driven } from "../cell.ts";
import { type NodeEntropy, type NodeKind, numberOf } from "./node.ts";

export interface Bands {
  readonly phase: number;
  readonly entropy: number;
  readonly creative: number;
  readonly risk: number;
}

const PHASE_NOISE = 0.02;
const OTHER_NOISE = 0.01;

/**
 * The synthetic loop bands at t seconds (simulator.md 6), clamped to 0..1. @param noise factor on the uniform noise of
 * ±0.02 (phase) and ±0.01 (others), drawn in the order of the members; 0 draws nothing.
 */
export function bandsAt(t: number, noise: number, entropy: Pick<NodeEntropy, "float">): Bands {
  const jitter = (width: number): number => (noise === 0 ? 0 : noise * width * (2 * entropy.float() - 1));
  const phase = 0.5 * (1 + Math.sin(2 * Math.PI * 0.2 * t)) * Math.exp(-t / 120) + jitter(PHASE_NOISE);
  const spread = 0.2 + 0.15 * Math.exp(-t / 90) + jitter(OTHER_NOISE);
  const creative = 0.2 + 0.1 * (1 - Math.exp(-t / 180)) + jitter(OTHER_NOISE);
  const risk = 0.4 * Math.exp(-t / 150) + jitter(OTHER_NOISE);
  return {
    phase: clamp(phase, 0, 1),
    entropy: clamp(spread, 0, 1),
    creative: clamp(creative, 0, 1),
    risk: clamp(risk, 0, 1),
  };
}

export const bandsKind: NodeKind = {
  values: { noise: 1 },
  drivable: ["noise"],
  fields: ["phase", "entropy", "creative", "risk"],
  create(values, entropy) {
    const noise = driven(numberOf(values, "noise"));
    const first = bandsAt(0, noise.value, entropy);
    const [phase, spread] = [derived(first.phase), derived(first.entropy)];
    const [creative, risk] = [derived(first.creative), derived(first.risk)];
    return {
      cells: { noise, phase, entropy: spread, creative, risk },
      inputs: [],
      step({ atUs }) {
        const now = bandsAt(atUs / 1e6, noise.value, entropy);
        phase.value = now.phase;
        spread.value = now.entropy;
        creative.value = now.creative;
        risk.value = now.risk;
      },
    };
  },
};
