/** TypeScript itself: an optional peer, because a device that only runs programs does not need it. */
import { ResourceRequired } from "../../core/resource-required.ts";
import type { TypeScript } from "./types.ts";

/** Loads the module as Node.js finds it. A parameter of `loadTypeScript` for tests without it. */
const importTypeScript = async (): Promise<{ readonly default: TypeScript }> => import("typescript");

/** @throws ResourceRequired `module:typescript` with the command that supplies it. */
export async function loadTypeScript(load = importTypeScript): Promise<TypeScript> {
  try {
    return (await load()).default;
  } catch (cause) {
    throw new ResourceRequired(
      {
        resource: "module:typescript",
        why: "Programs written in TypeScript are compiled with the package typescript, which is not installed.",
        howTo: "Install TypeScript 5 beside this package, or compile the program on another computer.",
        commands: ["npm install typescript@5"],
        requiresConsent: true,
      },
      cause,
    );
  }
}
