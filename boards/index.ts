/** The boards this release knows, and what it takes to supply a missing resource on them. */
import { raspberryPi3, raspberryPi4, raspberryPi5, raspberryPiZero2W } from "./raspberry-pi.ts";
import { simBoard } from "./sim.ts";
import type { BoardDefinition } from "./types.ts";

export { type BoardInspection, type BoardProbe, inspectBoard } from "./inspect.ts";
export { MODULE_VERSIONS } from "./module-versions.ts";
export {
  type NodeState,
  type ResourceContext,
  type ResourceVerdict,
  resourceRequirement,
} from "./resources.ts";
export type * from "./types.ts";

/** All boards, the simulated one last. */
export const boards: readonly BoardDefinition[] = [
  raspberryPiZero2W,
  raspberryPi3,
  raspberryPi4,
  raspberryPi5,
  simBoard,
];

/** The board with this id, or null. The family name `raspberry-pi-os` stands for the remedies all of them share. */
export function findBoard(id: string): BoardDefinition | null {
  if (id === "raspberry-pi-os") return raspberryPi4;
  return boards.find((board) => board.id === id) ?? null;
}

/** The board of a device-tree model text such as `Raspberry Pi 4 Model B Rev 1.5`, or null. */
export function boardOfModel(model: string): BoardDefinition | null {
  const prefixes: readonly (readonly [prefix: string, board: BoardDefinition])[] = [
    ["Raspberry Pi Zero 2", raspberryPiZero2W],
    ["Raspberry Pi 3", raspberryPi3],
    ["Raspberry Pi 4", raspberryPi4],
    ["Raspberry Pi Compute Module 4", raspberryPi4],
    ["Raspberry Pi 5", raspberryPi5],
  ];
  return prefixes.find(([prefix]) => model.startsWith(prefix))?.[1] ?? null;
}
