/** From the clocks of a device to true time, so that records can be laid beside what was seen outside. */
import type { Life } from "./invariant.ts";

/** Clocks are read in whole ms: a recorded moment lies up to this much later than its ms begins. */
export const TICK_US = 1002;

export class Timeline {
  readonly #lives: readonly Life[];
  readonly #byBoot: ReadonlyMap<string, Life>;

  constructor(lives: readonly Life[]) {
    this.#lives = lives;
    this.#byBoot = new Map(lives.map((life) => [life.bootId, life]));
  }

  lifeOfBoot(bootId: string): Life | null {
    return this.#byBoot.get(bootId) ?? null;
  }

  life(number: number): Life | null {
    return this.#lives.find((life) => life.number === number) ?? null;
  }

  /** The life that was on at a moment. */
  lifeAt(atUs: number): Life | null {
    return this.#lives.findLast(({ fromUs }) => fromUs <= atUs) ?? null;
  }

  /** True µs of a monotonic reading (simulator.md 2); null for a boot that nobody saw. */
  ofMono(bootId: string, monoMs: number): number | null {
    const life = this.lifeOfBoot(bootId);
    return life === null ? null : life.fromUs + (monoMs * 1000) / (1 + life.ppm / 1e6);
  }

  /**
   * True µs of a wall reading within one life; null where the calendar of that life never showed it. Of several
   * moments (the clock was set back) the last.
   */
  ofWall(life: Life, wallMs: number): number | null {
    const end = life.untilUs ?? Number.POSITIVE_INFINITY;
    for (let i = life.offsets.length - 1; i >= 0; i--) {
      const offset = life.offsets[i];
      if (offset === undefined) continue;
      const until = life.offsets[i + 1]?.fromUs ?? end;
      const { fromUs, wallMinusTrueMs } = offset;
      const atUs = fromUs + ((wallMs - wallMinusTrueMs) * 1000 - fromUs) / (1 + life.ppm / 1e6);
      if (atUs >= fromUs - TICK_US && atUs <= until + TICK_US) return atUs;
    }
    return null;
  }

  /**
   * Whether a wall reading of a life can have been made by then. A clock that stands at its floor says nothing about
   * when, so that such a reading can have been made at any time.
   */
  canHaveShown(life: Life, wallMs: number, byUs: number): boolean {
    if (wallMs === life.floorMs) return true;
    const atUs = this.ofWall(life, wallMs);
    return atUs !== null && atUs <= byUs + TICK_US;
  }

  /** Every true µs at which a wall reading could have been, whatever the calendar was corrected by. */
  possibleTimes(life: Life, wallMs: number): readonly number[] {
    return life.offsets.map(({ wallMinusTrueMs }) => (wallMs - wallMinusTrueMs) * 1000);
  }

  /** The latest wall ms that the device has ever shown: no stamp of its hybrid clock is behind it any more (sync.md 1). */
  highestWallMs(nowUs: number): number {
    const shown = this.#lives.flatMap(({ offsets, untilUs, ppm, floorMs }) => {
      const endUs = untilUs ?? nowUs;
      return offsets.map(({ fromUs, wallMinusTrueMs }, index) => {
        const toUs = offsets[index + 1]?.fromUs ?? endUs;
        return Math.max(floorMs ?? 0, toUs / 1000 + wallMinusTrueMs + ((toUs - fromUs) * ppm) / 1e9);
      });
    });
    return Math.max(0, ...shown);
  }

  /** What the calendar showed at a moment; null while the device was off. */
  wallAt(atUs: number): number | null {
    const life = this.lifeAt(atUs);
    const offset = life?.offsets.findLast(({ fromUs }) => fromUs <= atUs);
    if (!life || !offset) return null;
    const drift = ((atUs - offset.fromUs) * life.ppm) / 1e9;
    return Math.max(life.floorMs ?? 0, Math.floor(atUs / 1000 + offset.wallMinusTrueMs + drift));
  }
}
