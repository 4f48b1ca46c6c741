/** `imuctl roster`: which devices share the site's settings. Files only; daemons read them at their next start. */
import { basename } from "node:path";
import type { Command } from "commander";
import { addToRoster, devicesIn, readRosters } from "../../composition/roster-file.ts";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { FILE_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, type Handler, type OptionValue, textOption } from "../command.ts";
import { OK } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { pairs } from "../text.ts";

async function pathOf(session: Session, option: OptionValue): Promise<string> {
  const given = textOption(option);
  const path = given === null ? (await session.config()).rosterFile : session.path(given);
  if (path !== null) return path;
  throw new CodedError("not_found", "The configuration names no rosterFile.", {
    status: 404,
    details: { remedy: "add rosterFile to imud.yaml, or name the file with --roster." },
  });
}

const list: Handler = async (session, { options }) => {
  const path = await pathOf(session, options.roster);
  const [roster, ...older] = await readRosters(session.io.files, path);
  const devices = [...roster.devices.values()];
  session.result(
    { ...roster, devices, predecessors: older.map(({ version }) => version) },
    pairs([
      ["roster", path],
      ["fleet", roster.fleet],
      ["version", roster.version],
      ...devices.map(({ id, status }) => ["device", `${id} ${status}`] as const),
      ...roster.documents.map(({ doc, type }) => ["shared", `${doc} (${type})`] as const),
    ]),
  );
  return OK;
};

const addDevices: Handler = async (session, { args, options }) => {
  const { io } = session;
  const path = await pathOf(session, options.roster);
  const [{ fleet }] = await readRosters(io.files, path);
  const rows: JsonObject[] = [];
  for (const name of args) {
    const bytes = await io.files.read(session.path(name), FILE_LIMITS.rosterBytes);
    rows.push(...devicesIn(bytes, { fleet, board: textOption(options.board) ?? "unknown", name }));
  }
  const made = await addToRoster(io.files, path, rows, io.clock.wallMs());
  session.result(
    made,
    pairs([
      ["roster", path],
      ["version", made.version],
      ...made.added.map((id) => ["added", id] as const),
      ...made.devices.map((id) => ["device", id] as const),
    ]),
  );
  if (made.added.length === 0) {
    session.note("all of them are in the roster already; nothing was changed.");
    return OK;
  }
  const names = made.files.map((file) => basename(file)).join(", ");
  session.note(`next: copy ${names} into the configuration folder of every device, then restart each imud.`);
  return OK;
};

export function addRoster(program: Command, cli: Cli): void {
  const roster = add(program, "roster", { does: "name the devices that share the site's settings" });
  add(roster, "list", { does: "show the devices and the shared documents" })
    .option("--roster <file>", "default: rosterFile of the configuration")
    .action(act(cli, list));
  add(roster, "add <files...>", {
    does: "add devices, each by its own roster.json or its device.pub, as the next version",
    examples: ["imuctl roster add pi-b/roster.json", "imuctl roster add --board raspberry-pi-4 device.pub"],
    exits: "0 added or there already, 1 refused (nothing was changed)",
  })
    .option("--roster <file>", "default: rosterFile of the configuration")
    .option("--board <id>", "board of devices that are given by their key alone")
    .action(act(cli, addDevices));
}
