/** Marks the compiled commands executable, so that `npm link` and a plain path both work, and builds the verifier's page. */
import { chmodSync } from "node:fs";
import { buildPage } from "./verify-page.mjs";

for (const command of ["firmware/main.js", "firmware/cli/main.js", "verify/main.js"])
  chmodSync(`dist/${command}`, 0o755);
await buildPage("dist/verify");
