/** `imuctl init`: everything a new device needs, and nothing that is there already. */
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { boardOfModel } from "../../../boards/index.ts";
import { systemAccess } from "../../../drivers/providers/index.ts";
import type { BrokerConfig } from "../../composition/config-schema.ts";
import { initialise } from "../../composition/init.ts";
import { fromUtf8 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { FILE_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, type Handler, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { OK } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { pairs } from "../text.ts";

const SYSTEM_DIR = "/etc/imud";
const MODEL = "/proc/device-tree/model";

/** The simulator is chosen, never fallen back to: an unknown machine is asked about. */
async function boardHere(): Promise<string> {
  const model = (await systemAccess().readText(MODEL))?.replaceAll("\u0000", "");
  const board = model ? boardOfModel(model) : null;
  if (board) return board.id;
  throw new CodedError("unknown_board", "This machine is none of the known boards.", {
    status: 404,
    details: {
      remedy: "name the board with --board (imuctl board list), or choose the simulator: --board sim.",
    },
  });
}

function brokerOf(text: string | null): BrokerConfig | null {
  if (text === null) return null;
  if (text === "embedded") return { embedded: { host: "127.0.0.1", port: 1883 } };
  if (!/^mqtts?:\/\/[^\s@]+$/.test(text)) {
    throw new UsageError(
      `"${text}" is no broker address.`,
      "for example mqtts://broker.example:8883, or embedded. User and password go into imud.yaml.",
    );
  }
  return { url: text };
}

async function operatorPem(session: Session, path: string | null): Promise<string | null> {
  return path === null
    ? null
    : fromUtf8(await session.io.files.read(session.path(path), FILE_LIMITS.keyBytes));
}

const init: Handler = async (session, { options }) => {
  const { io } = session;
  const given = textOption(options.dir);
  const dir = given === null ? dirname(session.configPath) : resolve(io.cwd, given);
  const system = dir === SYSTEM_DIR ? { stateDir: "/var/lib/imud", runDir: "/run/imud" } : {};
  const board = textOption(options.board) ?? (await boardHere());
  const operatorKeyPem = await operatorPem(session, textOption(options.operatorKey));
  const made = await initialise({
    files: io.files,
    entropy: io.entropy,
    nowMs: io.clock.wallMs(),
    dir,
    ...system,
    board,
    fleet: textOption(options.fleet) ?? "greenhouse",
    broker: brokerOf(textOption(options.broker)),
    operatorKeyPem,
    force: options.force === true,
  });
  session.result(
    made,
    pairs([
      ["device", made.deviceId],
      ["device key", made.deviceKeyId],
      ["operator key", made.operatorKeyId],
      ["configuration", made.configPath],
      ...(made.operatorKeyPath === null ? [] : ([["operator's private key", made.operatorKeyPath]] as const)),
      ...made.written.map((path) => ["written", path] as const),
    ]),
  );
  if (made.operatorKeyPath !== null)
    session.note("move the operator's private key off the device; it signs commands and releases.");
  session.note(`next: imud --config ${made.configPath}`);
  return OK;
};

export function addInit(program: Command, cli: Cli): void {
  add(program, "init", {
    does: "create configuration, keys, an operator's key, policy and programs of a new device",
    examples: [
      "sudo imuctl init",
      "imuctl init --dir ./device --board sim --fleet demo",
      "imuctl init --dir ./device --board raspberry-pi-4 --operator-key operator.pub",
    ],
    exits: "0 created, 1 refused (something exists already; nothing was changed)",
  })
    .option("--dir <folder>", "where the configuration goes; default: the folder of --config")
    .option("--board <id>", "default: the board this machine is")
    .option("--fleet <name>", "a-z, 0-9 and hyphens", "greenhouse")
    .option("--broker <url>", "mqtt:// or mqtts:// address, or embedded")
    .option("--operator-key <pem>", "use this operator's public key instead of creating one")
    .option("--force", "rewrite everything but the keys")
    .action(act(cli, init));
}
