import type { Entropy } from "../../../firmware/ports/entropy.ts";
import { put, type Store, type StoreOp } from "../../../firmware/ports/store.ts";
import { SimDisk, type SimDiskOptions } from "../../../sim/disk/sim-disk.ts";
import type { CutPoint, Steps } from "../../../sim/power/steps.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null | undefined): string | null =>
  value ? new TextDecoder().decode(value) : null;

/** Nothing waits: a disk without slow syncs never asks for time. */
export const NO_WAIT = { sleep: () => Promise.reject(new Error("nothing here waits")) };

export function newDisk(options: Partial<SimDiskOptions> = {}): SimDisk {
  return new SimDisk({ entropy: new SeededEntropy("1", "device:a:disk"), nowUs: () => 0, ...options });
}

/** An entropy whose fractions and integers are the given share of their range. */
export function share(u: number): Entropy {
  return {
    float: () => u,
    below: (bound) => Math.floor(u * bound),
    bytes: (length) => new Uint8Array(length),
  };
}

/** All rows of a store but the layout's, as `sub/key=hex`. */
export async function dump(store: Store, subs: readonly string[]): Promise<string[]> {
  const rows: string[] = [];
  for (const sub of subs)
    for await (const [key, value] of store.range(sub))
      rows.push(`${sub}/${key}=${Buffer.from(value).toString("hex")}`);
  return rows;
}

export const row = (key: string, value = key): StoreOp => put("a", key, bytes(value));

/** Steps of one boot that loses power at the n-th step, counted from 1. */
export class CutSteps implements Steps {
  readonly labels: string[] = [];
  readonly #cut: { readonly step: number; readonly point: CutPoint } | null;
  readonly #onCut: () => void;
  alive = true;

  constructor(
    cut: { readonly step: number; readonly point: CutPoint } | null,
    onCut: () => void = () => undefined,
  ) {
    this.#cut = cut;
    this.#onCut = onCut;
  }

  async take<T>(label: string, work: () => T | Promise<T>, partly?: () => void): Promise<T> {
    const dead = new Promise<never>(() => undefined);
    if (!this.alive) return dead;
    this.labels.push(label);
    if (this.labels.length !== this.#cut?.step) return work();
    if (this.#cut.point === "during") partly?.();
    if (this.#cut.point === "after") await work();
    this.alive = false;
    this.#onCut();
    return dead;
  }
}
