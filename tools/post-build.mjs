/** Marks the compiled commands executable, so that `npm link` and a plain path both work. */
import { chmodSync } from "node:fs";

for (const command of ["firmware/main.js", "firmware/cli/main.js", "verify/main.js"])
  chmodSync(`dist/${command}`, 0o755);
