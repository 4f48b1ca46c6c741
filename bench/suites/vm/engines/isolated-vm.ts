/** V8 again, in an isolate of its own with a heap limit. Without a time limit: that costs a thread per call. */
import { createRequire } from "node:module";
import type { Json } from "../../../../firmware/core/json.ts";
import type { Engine } from "./engine.ts";
import { type IsolatedReference, importIsolatedVm } from "./isolated-vm-shape.ts";

const MEMORY_LIMIT_MIB = 64;
const COPY = { arguments: { copy: true }, result: { copy: true } };

const call = (f: IsolatedReference, payload: Json): Json => f.applySync(undefined, [payload], COPY) as Json;

function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("isolated-vm/package.json");
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? `isolated-vm ${String(manifest.version)}`
    : "unknown";
}

export async function isolatedVmEngine(): Promise<Engine> {
  const { Isolate } = await importIsolatedVm();
  let texts = 0;
  const shared = new Isolate({ memoryLimit: MEMORY_LIMIT_MIB });
  return {
    version: packageVersion(),
    prepare: ({ native }) => {
      const isolate = new Isolate({ memoryLimit: MEMORY_LIMIT_MIB });
      const f = isolate.createContextSync().evalSync(`(${String(native)})`, { reference: true });
      return { run: (payload) => call(f, payload), dispose: () => isolate.dispose() };
    },
    loadOnce: ({ native, payload }) => {
      const source = String(native);
      return () => {
        const context = shared.createContextSync();
        const f = context.evalSync(`(${source})\n//${texts++}`, { reference: true });
        const body = call(f, payload);
        f.release();
        context.release();
        return body;
      };
    },
    compile: (source) => shared.compileScriptSync(`${source}\n//${texts++}`).release(),
    dispose: () => shared.dispose(),
  };
}
