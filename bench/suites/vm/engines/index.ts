import type { EngineSource } from "./engine.ts";
import { imuEngine, runSliced, runWhole } from "./imu.ts";
import { intCodeEngine } from "./int-code.ts";
import { jsonSwitchEngine } from "./json-switch.ts";
import { v8Engine } from "./v8.ts";

/** Ours first, then the peers. What needs a package is imported when it is asked for. */
export const ENGINES: readonly EngineSource[] = [
  {
    id: "imu",
    title: "imu, compiled from the first instruction",
    load: async () => imuEngine("compiled", runWhole),
  },
  {
    id: "imu-sliced",
    title: "imu as the daemon runs it: tiered, slices of 2000 steps or 2 ms",
    load: async () => imuEngine("tiered", runSliced),
  },
  {
    id: "imu-reference",
    title: "imu, the reference interpreter",
    load: async () => imuEngine("interpreter", runWhole),
  },
  { id: "v8", title: "V8: a function of the host, no meter", load: async () => v8Engine() },
  {
    id: "isolated-vm",
    title: "V8 in an isolate, heap limit, no step meter",
    load: async () => (await import("./isolated-vm.ts")).isolatedVmEngine(),
  },
  {
    id: "quickjs",
    title: "QuickJS in WebAssembly, memory limit and interrupt handler",
    load: async () => (await import("./quickjs.ts")).quickJsEngine(),
  },
  {
    id: "wasm",
    title: "hand-written WebAssembly with fuel per basic block",
    load: async () => (await import("./wasm.ts")).wasmEngine(),
  },
  {
    id: "int-code",
    title: "an interpreter of integers in JavaScript, fuel per instruction",
    load: async () => intCodeEngine(),
  },
  {
    id: "json-switch",
    title: "a switch over the JSON instructions, step counter",
    load: async () => jsonSwitchEngine(),
  },
];
