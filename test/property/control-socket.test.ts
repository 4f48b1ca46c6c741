/** The local socket, both ends: hostile requests to a daemon, and a stranger in the daemon's place. */

import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askDaemon, ControlServer } from "../../firmware/adapters/control-socket.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Device } from "../../firmware/composition/device.ts";
import { liveMethods } from "../../firmware/composition/live-methods.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { HOSTILE_VALUES, mutated, mutatedBytes, PROTOTYPE_KEYS, typedLater } from "./mutations.ts";

let folder: TemporaryFolder;
let device: Device;
let methods: ReturnType<typeof liveMethods>;
let server: ControlServer;
let path: string;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  device = await openDevice(await loadConfig(new NodeFiles(), configPath), silentLog);
  await device.start();
  methods = liveMethods(device.parts);
  path = join(folder.path, "s");
  server = await ControlServer.listen(path, async (method, params, signal) => {
    const run = Object.hasOwn(methods, method) ? methods[method as keyof typeof methods] : undefined;
    if (!run) throw new CodedError("not_found", "no such method", { status: 404 });
    return run(params, signal);
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await device.stop("test");
  await folder[Symbol.asyncDispose]();
});

/** Sends bytes on one connection and gives what came back until it is quiet or closed. */
function converse(bytes: Uint8Array, lines: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let text = "";
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on("data", (chunk) => {
      text += String(chunk);
      if (text.split("\n").length > lines) done();
    });
    socket.on("error", done);
    socket.on("close", done);
    socket.end(bytes);
  });
}

describe("requests to the daemon", () => {
  it("with any parameters are answered or refused with a code that is not a fault", async () => {
    const names = Object.keys(methods).filter((name) => !/stop|shutdown|restart|rollback/.test(name));
    const base: JsonObject = {
      program: "climate",
      payload: { a: 1 },
      args: {},
      limit: 5,
      id: "x",
      runId: "x",
    };
    const request = fc.tuple(fc.constantFrom(...names), mutated(base));
    await fc.assert(
      fc.asyncProperty(request, async ([method, params]) => {
        const ask = (): Promise<Json> => askDaemon(path, method, isJsonObject(params) ? params : {}, 5000);
        const answer = await typedLater(ask);
        if (answer instanceof CodedError) expect(answer.code).not.toBe("internal");
      }),
      { numRuns: 120 },
    );
  });

  it.each([...PROTOTYPE_KEYS, "", "x".repeat(1000)])("for a method named %j find none", async (method) => {
    await expect(askDaemon(path, method, {}, 5000)).rejects.toMatchObject({ code: "not_found" });
  });

  it("of any bytes leave the daemon answering", async () => {
    const good = new TextEncoder().encode('{"id":1,"method":"status","params":{}}\n');
    for (const bytes of fc.sample(fc.oneof(mutatedBytes(good), fc.uint8Array({ maxLength: 500 })), {
      seed: 2,
      numRuns: 60,
    }))
      await converse(bytes, 1);
    for (const value of HOSTILE_VALUES) {
      const line = new TextEncoder().encode(
        `${JSON.stringify({ id: value, method: value, params: value })}\n`,
      );
      expect(await converse(line, 1)).toContain('"ok":false');
    }
    expect(isJsonObject(await askDaemon(path, "status", {}, 5000))).toBe(true);
  });
});

describe("a stranger in the daemon's place", () => {
  async function against(answer: string): Promise<unknown> {
    const place = join(folder.path, "t");
    const stranger = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => socket.end(answer));
    });
    await new Promise<void>((resolve) => stranger.listen(place, resolve));
    const result = await typedLater(() => askDaemon(place, "status", {}, 2000));
    await new Promise((resolve) => stranger.close(resolve));
    return result;
  }

  it.each([
    ["garbage", "garbage\n"],
    ["half a document", '{"id":1,"ok":true,'],
    ["nothing", ""],
    ["a lone surrogate", '{"id":1,"ok":true,"result":"\\ud800"}\n'],
    ["nesting without end", `${"[".repeat(100_000)}\n`],
    ["an answer of another shape", "[1,2,3]\n"],
    ["an error of another shape", '{"ok":false,"error":{"code":{},"details":7}}\n'],
  ])("that says %s gives a typed error, not a crash", async (_name, answer) => {
    expect(await against(answer)).toBeInstanceOf(CodedError);
  });

  it("that sends a long line in small pieces is read in linear time", async () => {
    const answer = `{"id":1,"ok":true,"result":"${"x".repeat(16_000_000)}"}\n`;
    const start = performance.now();
    expect(String(await against(answer)).length).toBe(16_000_000);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
