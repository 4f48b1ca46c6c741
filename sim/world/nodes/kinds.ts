import { bandsKind } from "./bands.ts";
import { lightKind } from "./light.ts";
import type { NodeKind } from "./node.ts";
import { roomKind } from "./room.ts";
import { doorKind, presenceKind, pressureKind, signalNodeKind, soundKind, windKind } from "./signal.ts";
import { supplyKind } from "./supply.ts";
import { tankKind } from "./tank.ts";
import { thermalKind } from "./thermal-node.ts";

/** Every kind of node (simulator.md 6). */
export const NODE_KINDS = {
  thermal: thermalKind,
  tank: tankKind,
  light: lightKind,
  room: roomKind,
  supply: supplyKind,
  pressure: pressureKind,
  wind: windKind,
  sound: soundKind,
  presence: presenceKind,
  door: doorKind,
  signal: signalNodeKind,
  bands: bandsKind,
} as const satisfies Readonly<Record<string, NodeKind>>;

export type NodeKindName = keyof typeof NODE_KINDS;
