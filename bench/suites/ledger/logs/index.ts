import { hypercore } from "./hypercore.ts";
import { imu, imuWithEvidence } from "./imu.ts";
import { levelChain } from "./level-chain.ts";
import type { LogSource } from "./log.ts";
import { raw, rawWithEvidence } from "./raw-level.ts";
import { sqliteChain } from "./sqlite-chain.ts";

export const LOGS: readonly LogSource[] = [
  imu,
  imuWithEvidence,
  raw,
  rawWithEvidence,
  levelChain,
  sqliteChain,
  hypercore,
];
