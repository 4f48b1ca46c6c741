import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { EdgeSource } from "./edge-source.ts";

/** What a simulated output line drives. */
export interface Actuator {
  /** @param level null while nothing drives the line: the part follows its own pull. */
  drive(level: Level | null, nowUs: number): void;
  powerCut?(nowUs: number, entropy: Entropy): void;
  powerOn?(nowUs: number): void;
}

/** What hangs on a line; a line without wiring floats unless biased. */
export type LineWiring =
  | {
      readonly kind: "contact";
      readonly contact: EdgeSource;
      /**
       * Which levels it drives hard, as opposed to leaving them to a pull: a contact to ground and an open-drain output
       * only `low`. Default `both`.
       */
      readonly drives?: "low" | "high" | "both";
    }
  | {
      readonly kind: "actuator";
      readonly actuator: Actuator;
      /** Current through the line in mA while it has the level `loadAt` (default 1). */
      readonly loadMa?: number;
      readonly loadAt?: Level;
    };
