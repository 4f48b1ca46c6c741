/** The host's own compiler: no meter, no isolation. The bound of what any engine here can reach. */
import { runInThisContext } from "node:vm";
import type { Json } from "../../../../firmware/core/json.ts";
import type { Engine } from "./engine.ts";

type Native = (payload: Json) => Json;

export const v8Engine = (): Engine => ({
  version: process.versions.v8,
  prepare: ({ native }) => ({ run: native as Native, dispose: () => undefined }),
  loadOnce: ({ native, payload }) => {
    const source = String(native);
    let count = 0;
    // A text of its own each time, as V8 keeps what it has compiled by text.
    return () => (runInThisContext(`(${source})\n//${count++}`) as Native)(payload);
  },
  dispose: () => undefined,
});
