import type { SystemAccess } from "./system-access.ts";

const GPIO_CLASS = "/sys/class/gpio";

/** A GPIO controller as the kernel lists it. */
export interface KernelChip {
  readonly label: string;
  /** Global number of the chip's first line: 0 on old kernels, 512 and more since 6.6. Never assumed. */
  readonly base: number;
  readonly lines: number;
}

/**
 * Controllers under /sys/class/gpio. The class directory `gpiochip<base>` is named by the base, not by the number of
 * the character device; only the label is stable across kernels.
 */
export async function listKernelChips(system: SystemAccess): Promise<readonly KernelChip[]> {
  const chips: KernelChip[] = [];
  for (const name of await system.list(GPIO_CLASS)) {
    if (!/^gpiochip\d+$/.test(name)) continue;
    const [label, base, lines] = await Promise.all(
      ["label", "base", "ngpio"].map((file) => system.readText(`${GPIO_CLASS}/${name}/${file}`)),
    );
    if (label && /^\d+$/.test(base ?? "") && /^\d+$/.test(lines ?? "")) {
      chips.push({ label, base: Number(base), lines: Number(lines) });
    }
  }
  return chips;
}

/** Global number of a line, or null when no controller has the label or the line is beyond its end. */
export async function globalLine(system: SystemAccess, label: string, line: number): Promise<number | null> {
  const chip = (await listKernelChips(system)).find((other) => other.label === label);
  return chip && Number.isInteger(line) && line >= 0 && line < chip.lines ? chip.base + line : null;
}
