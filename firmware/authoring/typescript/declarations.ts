/** Everything that a program may name, as one declaration text for the compiler and for editors. */
import type { CapabilityContract } from "../../capabilities/index.ts";

/** @returns the text of `imu.d.ts` for these capabilities; the same contracts give the same text. */
export function programDeclarations(contracts: readonly CapabilityContract[]): string {
  return contracts.map(({ id }) => `// ${id}\n`).join("");
}
