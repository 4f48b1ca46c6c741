/** A real Mosquitto with TLS, passwords and ACL in a temporary directory. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { until } from "../fleet/support.ts";

export const REQUIRED = [
  "mosquitto",
  "mosquitto_pub",
  "mosquitto_sub",
  "mosquitto_passwd",
  "openssl",
  "bash",
];

/** Programs this machine lacks; said loudly, since a skipped test proves nothing. */
export function missingPrograms(): string[] {
  const missing = REQUIRED.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
  if (missing.length > 0) {
    process.stderr.write(`\n*** SKIPPED: Mosquitto tests need ${missing.join(", ")} ***\n\n`);
  }
  return missing;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

export class MosquittoBroker implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "imu-mosquitto-"));
  port = 0;
  #process: ChildProcess | null = null;

  path(name: string): string {
    return join(this.directory, name);
  }

  get ca(): string {
    return readFileSync(this.path("ca.crt"), "utf8");
  }

  /** Options of the command line clients for a user whose password is its name. */
  clientOptions(user: string): string[] {
    return `-h 127.0.0.1 -p ${this.port} --cafile ${this.path("ca.crt")} -u ${user} -P ${user}`.split(" ");
  }

  async start(fleet: string, device: string): Promise<void> {
    this.port = await freePort();
    this.#certificates();
    for (const user of ["device", "operator"]) {
      const create = user === "device" ? ["-c"] : [];
      execFileSync("mosquitto_passwd", [...create, "-b", this.path("passwords"), user, user], {
        stdio: "pipe",
      });
    }
    writeFileSync(
      this.path("acl"),
      `user device\ntopic write imu/v1/${fleet}/${device}/#\ntopic read imu/v1/${fleet}/${device}/cmd\n` +
        `user operator\ntopic write imu/v1/${fleet}/+/cmd\ntopic read imu/v1/${fleet}/#\n`,
    );
    writeFileSync(
      this.path("mosquitto.conf"),
      [
        `listener ${this.port} 127.0.0.1`,
        `user ${userInfo().username}`,
        `cafile ${this.path("ca.crt")}`,
        `certfile ${this.path("server.crt")}`,
        `keyfile ${this.path("server.key")}`,
        "allow_anonymous false",
        `password_file ${this.path("passwords")}`,
        `acl_file ${this.path("acl")}`,
        "set_tcp_nodelay true",
        "log_dest none",
        "",
      ].join("\n"),
    );
    await this.resume();
  }

  /** Starts the process, also again after `kill`. */
  async resume(): Promise<void> {
    this.#process = spawn("mosquitto", ["-c", this.path("mosquitto.conf")], { stdio: "ignore" });
    await until("mosquitto accepts connections", () => accepts(this.port));
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #certificates(): void {
    const openssl = (...args: string[]): void => {
      execFileSync("openssl", args, { cwd: this.directory, stdio: "pipe" });
    };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "2",
      "-subj",
      "/CN=test ca",
    );
    openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1");
    writeFileSync(this.path("san"), "subjectAltName=IP:127.0.0.1\n");
    const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "2"];
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", ...signing);
  }
}
