/** Identity of the kernel's boot: tells a crash of the daemon from a loss of power. */
import { readFileSync } from "node:fs";

/** The kernel's boot id; `unknown` where there is none, which counts as a loss of power. */
export function kernelBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch (error) {
    if ((error as { readonly code?: string }).code === "ENOENT") return "unknown";
    throw error;
  }
}
