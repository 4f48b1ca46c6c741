/** Marks the two compiled commands executable, so that `npm link` and a plain path both work. */
import { chmodSync } from "node:fs";

for (const command of ["dist/firmware/main.js", "dist/firmware/cli/main.js"]) chmodSync(command, 0o755);
