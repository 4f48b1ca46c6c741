import type { ResourceRequirement } from "../firmware/core/resource-required.ts";
import { type NodeState, resourceRequirement } from "./resources.ts";
import type { BoardDefinition } from "./types.ts";

/** The little an inspection needs to see of the system; the providers' file access supplies it. */
export interface BoardProbe {
  /** Controllers as the kernel lists them. */
  gpioChips(): Promise<readonly { readonly label: string; readonly base: number; readonly lines: number }[]>;
  nodeState(path: string): Promise<NodeState>;
}

export interface BoardInspection {
  readonly board: string;
  readonly title: string;
  readonly chips: readonly {
    readonly name: string;
    readonly label: string;
    /** Number of the chip's first line in the kernel's global numbering; null when the chip was not found. */
    readonly base: number | null;
    readonly lines: number;
  }[];
  readonly buses: readonly { readonly resource: string; readonly node: string; readonly state: NodeState }[];
  readonly missing: readonly ResourceRequirement[];
}

/** Looks without opening a bus: which chips and nodes of the board are there, and what would supply the others. */
export async function inspectBoard(
  board: BoardDefinition,
  probe: BoardProbe,
  user = "imud",
): Promise<BoardInspection> {
  const found = await probe.gpioChips();
  const chips = board.chips.map((chip) => {
    const match = found.find((other) => other.label === chip.label);
    return {
      name: chip.name,
      label: chip.label,
      base: match?.base ?? null,
      lines: match?.lines ?? chip.lines,
    };
  });
  const wanted = [
    ...board.i2c.map(({ bus, node }) => ({ resource: `bus:i2c:${bus}`, node })),
    ...board.spi.map(({ bus, chipSelect, node }) => ({ resource: `bus:spi:${bus}.${chipSelect}`, node })),
    ...board.serial.map(({ port, node }) => ({ resource: `serial:${port}`, node })),
  ];
  const buses = [];
  for (const { resource, node } of wanted) buses.push({ resource, node, state: await probe.nodeState(node) });
  const missing: ResourceRequirement[] = [];
  const need = (resource: string, node: NodeState): void => {
    const verdict = resourceRequirement(resource, { board, user, node });
    if (verdict.kind === "missing") missing.push(verdict.requirement);
  };
  for (const chip of chips) if (chip.base === null) need(`gpio:${chip.name}`, "missing");
  for (const { resource, state } of buses) need(resource, state);
  return { board: board.id, title: board.title, chips, buses, missing };
}
