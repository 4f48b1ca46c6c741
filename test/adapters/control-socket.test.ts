import { mkdtemp, rm, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askDaemon, ControlServer } from "../../firmware/adapters/control-socket.ts";
import { CodedError } from "../../firmware/core/errors.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imu-socket-"));
  path = join(folder, "imud.sock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const echo = async (method: string, params: object) => {
  if (method === "refuse")
    throw new CodedError("not_found", "no such run", { status: 404, details: { runId: "x" } });
  if (method === "fault") throw new TypeError("boom");
  return { method, params } as never;
};

describe("the control socket", () => {
  test("answers and is open to its group only", async () => {
    await using _server = await ControlServer.listen(path, echo);

    expect(await askDaemon(path, "status", { a: 1 }, 1000)).toEqual({ method: "status", params: { a: 1 } });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
  });

  test("carries typed refusals to the caller", async () => {
    await using _server = await ControlServer.listen(path, echo);

    await expect(askDaemon(path, "refuse", {}, 1000)).rejects.toMatchObject({
      code: "not_found",
      status: 404,
      details: { runId: "x" },
    });
    await expect(askDaemon(path, "fault", {}, 1000)).rejects.toMatchObject({ code: "internal" });
  });

  test("says that no daemon is running", async () => {
    await expect(askDaemon(path, "status", {}, 1000)).rejects.toMatchObject({ code: "daemon_not_running" });
  });

  test("survives garbage and endless lines", async () => {
    await using _server = await ControlServer.listen(path, echo);
    const answers = await new Promise<string>((resolve) => {
      const socket = createConnection(path);
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
        if (text.split("\n").length > 3) socket.end();
      });
      socket.on("close", () => resolve(text));
      socket.write('garbage\n{"method":7}\n[]\n');
    });
    expect(answers.match(/"code":"malformed"/g)).toHaveLength(3);

    await new Promise<void>((resolve) => {
      const socket = createConnection(path);
      socket.on("error", () => resolve());
      socket.on("close", () => resolve());
      socket.write("x".repeat(2_000_000));
    });
    expect(await askDaemon(path, "status", {}, 1000)).toMatchObject({ method: "status" });
  });
});
