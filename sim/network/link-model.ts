import type { Entropy } from "../../firmware/ports/entropy.ts";

/** How a device's link to the broker behaves (simulator.md 7). Times in true microseconds, probabilities 0..1. */
export interface LinkConfig {
  /** `faithful` is TCP; `hostile` loses, doubles and reorders single messages. Default faithful. */
  readonly mode?: "faithful" | "hostile";
  /** One way: minUs + int(spreadUs + 1), and with probability tailP + int(tailUs + 1). */
  readonly minUs: number;
  readonly spreadUs?: number;
  readonly tailP?: number;
  readonly tailUs?: number;
  /** Faithful: of a segment, seen as delay. Hostile: of a message, for good. */
  readonly loss?: number;
  /** Hostile: probability of a second copy. */
  readonly duplicate?: number;
  /** Faithful: bits per second in each direction; default unlimited. */
  readonly bandwidthBps?: number;
  /** Faithful: lost transmissions of one segment after which the connection is reset; default 8. */
  readonly retries?: number;
}

/** First retransmission time-out and the longest (simulator.md 7; RFC 6298, 5.5, with Linux's bounds). */
const RETRANSMIT_US = 200_000;
const LONGEST_RETRANSMIT_US = 120_000_000;

function delayUs(entropy: Entropy, config: LinkConfig): number {
  let delay = config.minUs + entropy.below((config.spreadUs ?? 0) + 1);
  if (entropy.float() < (config.tailP ?? 0)) delay += entropy.below((config.tailUs ?? 0) + 1);
  return delay;
}

/**
 * Delays of the copies of one message that arrive in hostile mode; none when it is lost.
 * The order of draws is the specification's: loss, delay, tail, duplicate, its delay.
 */
export function hostileFate(entropy: Entropy, config: LinkConfig): readonly number[] {
  if (entropy.float() < (config.loss ?? 0)) return [];
  const delay = delayUs(entropy, config);
  if (entropy.float() >= (config.duplicate ?? 0)) return [delay];
  return [delay, delay + 1 + entropy.below((config.spreadUs ?? 0) + 1)];
}

/** Delay of one segment in faithful mode, retransmissions of 200 ms · 2^k included; null when TCP gives up. */
export function faithfulDelayUs(entropy: Entropy, config: LinkConfig): number | null {
  let delay = delayUs(entropy, config);
  const { loss = 0, retries = 8 } = config;
  if (loss === 0) return delay;
  for (let k = 0; entropy.float() < loss; k++) {
    if (k >= retries) return null;
    delay += Math.min(LONGEST_RETRANSMIT_US, RETRANSMIT_US * 2 ** k);
  }
  return delay;
}

/** The first retransmission at or after `nowUs` of a segment that was first sent at `sentAtUs`. */
export function nextRetransmissionUs(sentAtUs: number, nowUs: number): number {
  let at = sentAtUs;
  for (let k = 0; at < nowUs; k++) at += Math.min(LONGEST_RETRANSMIT_US, RETRANSMIT_US * 2 ** k);
  return at;
}

/** Time on the wire at the link's bandwidth. */
export function transmissionUs(bytes: number, config: LinkConfig): number {
  return config.bandwidthBps === undefined ? 0 : Math.ceil((bytes * 8e6) / config.bandwidthBps);
}
