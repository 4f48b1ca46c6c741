import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What the package exports as `imu-edge/sim`, from its source. */
const SIM = fileURLToPath(new URL("./sim/harness/test.ts", import.meta.url));

export default defineConfig({
  resolve: { alias: { "imu-edge/sim": SIM } },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
});
