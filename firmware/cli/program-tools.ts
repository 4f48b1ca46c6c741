/** What building and checking programs needs of this version: its capabilities, and TypeScript where it is installed. */
import type { TypeScriptOptions } from "../authoring/typescript/index.ts";
import { detachedRegistry } from "../composition/state-capabilities.ts";
import { capabilityView } from "../runs/index.ts";
import type { CapabilityView } from "../vm/index.ts";
import type { Session } from "./session.ts";

export class ProgramTools {
  readonly view: CapabilityView;
  readonly #contracts: TypeScriptOptions["contracts"];
  #options: Promise<TypeScriptOptions> | null = null;

  private constructor(view: CapabilityView, contracts: TypeScriptOptions["contracts"]) {
    this.view = view;
    this.#contracts = contracts;
  }

  static async open(session: Session): Promise<ProgramTools> {
    const { clock, entropy } = session.io;
    const registry = await detachedRegistry({ clock, entropy });
    return new ProgramTools(capabilityView(registry), registry.contracts());
  }

  /** Loaded when the first source needs it. @throws ResourceRequired `module:typescript`. */
  typeScript(): Promise<TypeScriptOptions> {
    this.#options ??= this.#load();
    return this.#options;
  }

  async #load(): Promise<TypeScriptOptions> {
    const { loadTypeScript } = await import("../authoring/typescript/index.ts");
    return { typescript: await loadTypeScript(), contracts: this.#contracts, view: this.view };
  }
}
