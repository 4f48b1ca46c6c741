/** The host's own compiler: no meter, no isolation. The bound of what any engine here can reach. */
import { runInThisContext, Script } from "node:vm";
import type { Json } from "../../../../firmware/core/json.ts";
import type { Engine } from "./engine.ts";

type Native = (payload: Json) => Json;

/** A text of its own each time: V8 keeps what it has compiled by its text. */
let texts = 0;
const unseen = (source: string): string => `${source}\n//${texts++}`;

export const v8Engine = (): Engine => ({
  version: process.versions.v8,
  prepare: ({ native }) => ({ run: native as Native, dispose: () => undefined }),
  loadOnce: ({ native, payload }) => {
    const source = String(native);
    return () => (runInThisContext(unseen(`(${source})`)) as Native)(payload);
  },
  compile: (source) => void new Script(unseen(source)),
  dispose: () => undefined,
});
