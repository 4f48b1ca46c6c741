import { derived, driven } from "../cell.ts";
import { type NodeKind, numberOf } from "./node.ts";

/**
 * A quantity that nothing here influences (simulator.md 6): a base that is constant or follows a schedule, plus
 * gauss·sigma from the node's stream. @param field name of the quantity. @param base where no schedule is given.
 */
function signalKind(field: string, base: number): NodeKind {
  return {
    values: { base, sigma: 0 },
    drivable: ["base", "sigma"],
    fields: [field],
    create(values, entropy) {
      const [mean, sigma] = [driven(numberOf(values, "base")), driven(numberOf(values, "sigma"))];
      const noise = (): number => (sigma.value === 0 ? 0 : entropy.gauss() * sigma.value);
      const quantity = derived(mean.value + noise());
      return {
        cells: { base: mean, sigma, [field]: quantity },
        inputs: ["base"],
        step() {
          quantity.value = mean.value + noise();
        },
      };
    },
  };
}

/** Pa. */
export const pressureKind = signalKind("p", 101_325);
/** m/s. */
export const windKind = signalKind("speed", 0);
/** dB(A). */
export const soundKind = signalKind("level", 30);
/** 1 while somebody is there. */
export const presenceKind = signalKind("present", 0);
/** 1 while it is open. */
export const doorKind = signalKind("open", 0);
/** Anything else, for example what a field device recorded. */
export const signalNodeKind = signalKind("value", 0);
