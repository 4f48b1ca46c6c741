/** `imuctl board`: the boards this version knows, and what is missing on the machine it runs on. */
import type { Command } from "commander";
import {
  type BoardDefinition,
  type BoardInspection,
  boardOfModel,
  boards,
  findBoard,
  inspectBoard,
} from "../../../boards/index.ts";
import { listKernelChips, systemAccess } from "../../../drivers/providers/index.ts";
import { CodedError } from "../../core/errors.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { OK } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { pairs, table } from "../text.ts";

const list: Handler = async (session) => {
  const rows = boards.map((board) => [
    board.id,
    board.title,
    board.lines.length,
    board.i2c.map(({ bus }) => bus).join(","),
    board.spi.map(({ bus, chipSelect }) => `${bus}.${chipSelect}`).join(","),
    board.serial.map(({ port }) => port).join(","),
  ]);
  const value = boards.map(({ id, title }) => ({ id, title }));
  session.result(
    { boards: value },
    table(["id", "title", "lines", "i2c", "spi", "serial"], rows, session.io.isTty),
  );
  return OK;
};

/** The board by name, by configuration, or by what the machine says it is. */
async function chosen(session: Session, wanted: string | undefined): Promise<BoardDefinition> {
  const known = wanted === undefined ? await present(session) : findBoard(wanted);
  if (known) return known;
  throw new CodedError(
    "unknown_board",
    wanted === undefined ? "This machine is none of the known boards." : `There is no board "${wanted}".`,
    { status: 404, details: { remedy: "imuctl board list names the known boards." } },
  );
}

async function present(session: Session): Promise<BoardDefinition | null> {
  try {
    return findBoard((await session.config()).board);
  } catch (error) {
    if (!(error instanceof CodedError && error.code === "config_invalid")) throw error;
  }
  const model = (await systemAccess().readText("/proc/device-tree/model"))?.replaceAll("\u0000", "");
  return model ? boardOfModel(model) : null;
}

function inspectionText(inspection: BoardInspection, isTty: boolean): string {
  const chips = inspection.chips.map(({ name, label, base, lines }) => [
    name,
    label,
    lines,
    base === null ? "not found" : `found, first line ${base}`,
  ]);
  const buses = inspection.buses.map(({ resource, node, state }) => [
    resource,
    node,
    "",
    state === "ok" ? "found" : state,
  ]);
  const needs = inspection.missing.map(({ resource, why, howTo, commands }) =>
    [
      `\nmissing ${resource}`,
      `  ${why}`,
      `  ${howTo}`,
      ...commands.map((command) => `    ${command}`),
      "",
    ].join("\n"),
  );
  return table(["resource", "node or label", "lines", "state"], [...chips, ...buses], isTty) + needs.join("");
}

const show: Handler = async (session, { args }) => {
  const board = await chosen(session, args[0]);
  const { isTty, user } = session.io;
  const title = pairs([
    ["board", board.id],
    ["title", board.title],
  ]);
  const lines = board.lines.map(({ headerPin, chip, line, name, alternate }) => [
    headerPin,
    `gpio://${chip}/${line}`,
    name,
    alternate,
  ]);
  const pins = table(["pin", "uri", "name", "alternate"], lines, isTty);
  if (board.id === "sim") {
    session.result(
      { board, inspection: null },
      `${title}\n${pins}\nsimulated: there is nothing to inspect\n`,
    );
    return OK;
  }
  const system = systemAccess();
  const inspection = await inspectBoard(
    board,
    { gpioChips: () => listKernelChips(system), nodeState: (path) => system.nodeState(path) },
    user,
  );
  session.result({ board, inspection }, `${title}\n${pins}\n${inspectionText(inspection, isTty)}`);
  return session.exit(inspection.missing.length === 0);
};

export function addBoard(program: Command, cli: Cli): void {
  const board = add(program, "board", { does: "show the known boards and what this machine lacks" });
  add(board, "list", { does: "list the boards this version knows" }).action(act(cli, list));
  add(board, "show [id]", {
    does: "show pins and buses of a board, and inspect this machine for them without opening a bus",
    examples: ["imuctl board show", "imuctl board show raspberry-pi-4"],
    exits: "0 everything is there, 1 something is missing (the exact remedy is printed; nothing is changed)",
  }).action(act(cli, show));
}
