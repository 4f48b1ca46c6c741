/** QuickJS as WebAssembly (quickjs-emscripten, synchronous release build), with memory limit and interrupt handler. */
import { createRequire } from "node:module";
import { getQuickJS, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime } from "quickjs-emscripten";
import type { Json } from "../../../../firmware/core/json.ts";
import type { Engine, Runner } from "./engine.ts";

const MEMORY_LIMIT = 64 * 2 ** 20;
/** Interrupts until the run is cut; a bound that no workload meets. */
const INTERRUPTS = 1e9;

/** Text in and text out: of the ways over this border, the fastest one for small objects. */
const source = (native: unknown): string =>
  `(() => { const f = ${String(native)}; return (text) => JSON.stringify(f(JSON.parse(text))); })()`;

/** The workload called in a loop of QuickJS itself: its calls without the price of its border. */
const insideSource = (native: unknown, times: number): string =>
  `(() => { const f = ${String(native)}; return (text) => {
    const payload = JSON.parse(text); let body = null;
    for (let i = 0; i < ${times}; i++) body = f({ ...payload });
    return JSON.stringify(body); }; })()`;

export function meteredRuntime(newRuntime: () => QuickJSRuntime): QuickJSRuntime {
  const runtime = newRuntime();
  runtime.setMemoryLimit(MEMORY_LIMIT);
  let left = INTERRUPTS;
  runtime.setInterruptHandler(() => --left < 0);
  return runtime;
}

function callWithJson(context: QuickJSContext, f: QuickJSHandle, payload: Json): Json {
  const text = context.newString(JSON.stringify(payload));
  const answer = context.unwrapResult(context.callFunction(f, context.undefined, text));
  const body = context.getString(answer);
  answer.dispose();
  text.dispose();
  return JSON.parse(body) as Json;
}

function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("quickjs-emscripten/package.json");
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? `quickjs-emscripten ${String(manifest.version)}`
    : "unknown";
}

export async function quickJsEngine(): Promise<Engine> {
  const quickJs = await getQuickJS();
  const shared = meteredRuntime(() => quickJs.newRuntime());
  const runnerOf = (text: string): Runner => {
    const runtime = meteredRuntime(() => quickJs.newRuntime());
    const context = runtime.newContext();
    const f = context.unwrapResult(context.evalCode(text));
    return {
      run: (payload) => callWithJson(context, f, payload),
      dispose: () => {
        f.dispose();
        context.dispose();
        runtime.dispose();
      },
    };
  };
  return {
    version: packageVersion(),
    prepare: ({ native }) => runnerOf(source(native)),
    prepareInside: ({ native }, times) => runnerOf(insideSource(native, times)),
    loadOnce: ({ native, payload }) => {
      const text = source(native);
      return () => {
        const context = shared.newContext();
        const f = context.unwrapResult(context.evalCode(text));
        const body = callWithJson(context, f, payload);
        f.dispose();
        context.dispose();
        return body;
      };
    },
    compile: (text) => {
      const context = shared.newContext();
      context.unwrapResult(context.evalCode(text, "large.js", { compileOnly: true })).dispose();
      context.dispose();
    },
    dispose: () => shared.dispose(),
  };
}
