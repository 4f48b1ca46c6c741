/**
 * The local socket between `imuctl` and a running daemon: one JSON document per line each way, permissions 0660, so
 * that access is a matter of the file's group. Requests are sized before they are parsed and answered in any order.
 */
import { chmod, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { CodedError, messageOf } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { isJsonObject } from "../core/json.ts";
import { CONTROL_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";

const MODE = 0o660;

/** Answers one request. Thrown CodedErrors become typed answers. */
export type ControlHandler = (method: string, params: JsonObject, signal: AbortSignal) => Promise<Json>;

/** Linear in what arrives: a line of many chunks is put together once. A line beyond the limit ends the connection. */
function eachLine(socket: Socket, maxBytes: number, onLine: (line: string) => void): void {
  let parts: string[] = [];
  let length = 0;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
      const line = parts.join("") + chunk.slice(start, end);
      parts = [];
      length = 0;
      start = end + 1;
      onLine(line);
    }
    parts.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > maxBytes) socket.destroy();
  });
}

async function answer(handler: ControlHandler, line: string, signal: AbortSignal): Promise<JsonObject> {
  let id: Json = null;
  try {
    const request = parseJsonText(line, {
      maxBytes: CONTROL_LIMITS.requestBytes,
      maxDepth: CONTROL_LIMITS.requestDepth,
    });
    if (!isJsonObject(request) || typeof request.method !== "string") {
      throw new CodedError("malformed", "A request is {id, method, params}.", { status: 400 });
    }
    id = request.id ?? null;
    const params = isJsonObject(request.params) ? request.params : {};
    return { id, ok: true, result: await handler(request.method, params, signal) };
  } catch (error) {
    if (!(error instanceof CodedError)) {
      return {
        id,
        ok: false,
        error: { code: "internal", status: 500, message: messageOf(error), details: {} },
      };
    }
    const { code, status, message, details } = error;
    return { id, ok: false, error: { code, status, message, details } };
  }
}

/** Listens on a socket file. Disposing closes every connection and removes the file. */
export class ControlServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #path: string;
  readonly #clients = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @throws CodedError `socket_unavailable` (503) if the path cannot be bound. */
  static async listen(path: string, handler: ControlHandler): Promise<ControlServer> {
    const abort = new AbortController();
    const server = createServer();
    const control = new ControlServer(server, path);
    server.maxConnections = CONTROL_LIMITS.clients;
    server.on("connection", (socket) => {
      control.#clients.add(socket);
      socket.on("close", () => control.#clients.delete(socket));
      socket.on("error", () => socket.destroy());
      eachLine(socket, CONTROL_LIMITS.requestBytes, (line) => {
        void answer(handler, line, abort.signal).then((reply) => {
          if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
        });
      });
    });
    server.on("close", () =>
      abort.abort(new CodedError("io_aborted", "The daemon is stopping.", { status: 503 })),
    );
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(new CodedError("socket_unavailable", `Cannot listen on ${path}.`, { status: 503, cause })),
      );
      server.listen(path, resolve);
    });
    await chmod(path, MODE);
    return control;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients) client.destroy();
    await closed;
    await rm(this.#path, { force: true });
  }
}

/**
 * Asks a running daemon once.
 * @throws CodedError `daemon_not_running`, `daemon_silent`, `daemon_unintelligible`, `permission_denied` (503), else the
 *   daemon's own error.
 */
export function askDaemon(
  path: string,
  method: string,
  params: JsonObject,
  timeoutMs: number,
): Promise<Json> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const fail = (code: string, message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new CodedError(code, message, { status: 503, cause }));
    };
    socket.setTimeout(timeoutMs, () =>
      fail("daemon_silent", `The daemon did not answer within ${timeoutMs} ms.`),
    );
    socket.on("error", (cause: NodeJS.ErrnoException) =>
      cause.code === "EACCES"
        ? fail("permission_denied", `You may not open ${path}: join the group that owns it.`, cause)
        : fail("daemon_not_running", `No daemon listens on ${path}.`, cause),
    );
    socket.on("close", () => fail("daemon_not_running", "The daemon closed the connection."));
    eachLine(socket, CONTROL_LIMITS.answerBytes, (line) => {
      socket.removeAllListeners("close");
      socket.end();
      let reply: Json;
      try {
        reply = parseJsonText(line, {
          maxBytes: CONTROL_LIMITS.answerBytes,
          maxDepth: CONTROL_LIMITS.answerDepth,
        });
      } catch (cause) {
        return fail("daemon_unintelligible", `What answers on ${path} is not the daemon.`, cause);
      }
      if (isJsonObject(reply) && reply.ok === true) return resolve(reply.result ?? null);
      const error = isJsonObject(reply) && isJsonObject(reply.error) ? reply.error : {};
      const details = isJsonObject(error.details) ? error.details : {};
      const status = typeof error.status === "number" ? error.status : 500;
      reject(
        new CodedError(String(error.code ?? "internal"), String(error.message ?? "unknown"), {
          status,
          details,
        }),
      );
    });
    socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
  });
}
