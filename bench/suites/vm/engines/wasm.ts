/** Hand-written WebAssembly that pays fuel for every basic block; compiled by V8. */
import { createRequire } from "node:module";
import wabt from "wabt";
import type { WasmExports, Workload } from "../workloads/workload.ts";
import type { Engine } from "./engine.ts";

/** Set before every run, as a host that meters runs would. */
const FUEL_PER_RUN = 10_000_000_000n;

interface Loaded {
  readonly exports: WasmExports;
  readonly fuel: WebAssembly.Global;
}

function load(module: WebAssembly.Module): Loaded {
  const { exports } = new WebAssembly.Instance(module);
  const { fuel } = exports;
  if (!(fuel instanceof WebAssembly.Global)) throw new Error("The module exports no fuel.");
  return { exports: exports as WasmExports, fuel };
}

function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("wabt/package.json");
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? `V8 ${process.versions.v8}, assembled by wabt ${String(manifest.version)}`
    : "unknown";
}

export async function wasmEngine(): Promise<Engine> {
  const assembler = await wabt();
  const bytesOf = ({ id, wasm }: Workload): Uint8Array => {
    const parsed = assembler.parseWat(`${id}.wat`, wasm.text, { bulk_memory: true, mutable_globals: true });
    const { buffer } = parsed.toBinary({});
    parsed.destroy();
    return buffer;
  };
  return {
    version: packageVersion(),
    prepare: (workload) => {
      const { exports, fuel } = load(new WebAssembly.Module(bytesOf(workload)));
      return {
        run: (payload) => {
          fuel.value = FUEL_PER_RUN;
          return workload.wasm.call(exports, payload);
        },
        dispose: () => undefined,
      };
    },
    loadOnce: (workload) => {
      const bytes = bytesOf(workload);
      return () => {
        const { exports, fuel } = load(new WebAssembly.Module(bytes));
        fuel.value = FUEL_PER_RUN;
        return workload.wasm.call(exports, workload.payload);
      };
    },
    compile: null,
    dispose: () => undefined,
  };
}
