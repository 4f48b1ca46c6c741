/** Lets a worker thread read TypeScript, which the loader of the main thread does not do for it. */
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
