/** `imuctl status`: the running daemon's own view, or what a stopped one left behind. */
import type { Command } from "commander";
import { VERSION } from "../../composition/package-info.ts";
import { loadFactory } from "../../composition/release-loader.ts";
import { executorText } from "../../composition/vm-executor.ts";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { FAILED, OK } from "../exit-codes.ts";
import { objectIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { placeOf, productView, readStopped } from "../state-access.ts";
import { pairs } from "../text.ts";

/** What would run: the factory policy and programs of the configuration. Problems are part of the answer. */
async function configured(session: Session): Promise<JsonObject> {
  try {
    const { board, fleet, policyFile, programsDir, sourcesFile, vm } = await session.config();
    const { set } = await loadFactory(
      session.io.files,
      { policyFile, programsDir, sourcesFile },
      {
        clock: session.io.clock,
        board,
        runtimeVersion: VERSION,
        simulated: board === "sim",
        view: await productView(session),
      },
    );
    const { id, version, profile, policyHash } = set.policy;
    return {
      board,
      fleet,
      vm: { configured: vm.executor },
      factoryPolicy: { id, version, profile, policyHash },
      factoryPrograms: [...set.programs.keys()],
      refusedPrograms: set.refused.map(({ name, reason }) => ({ name, reason })),
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { problem: { code: error.code, message: error.message } };
  }
}

/** Who runs programs, in words; of a stopped daemon only what is configured is known. */
function vmText(vm: JsonObject): string {
  const { configured, executor, reason } = vm;
  if (typeof executor !== "string") return String(configured);
  return executorText({ executor, reason: typeof reason === "string" ? reason : null });
}

const rowsOf = (value: JsonObject): string =>
  pairs(
    Object.entries(value).map(([name, member]) => [
      name,
      name === "vm" && isJsonObject(member) ? vmText(member) : member,
    ]),
  );

async function live(session: Session): Promise<JsonObject | null> {
  if (session.stateDir !== null) return null;
  try {
    return objectIn(await session.ask("status", {}));
  } catch (error) {
    if (error instanceof CodedError && error.code === "daemon_not_running") return null;
    throw error;
  }
}

const status: Handler = async (session) => {
  const running = await live(session);
  if (running !== null) {
    const value = { ...running, running: true };
    session.result(value, rowsOf(value));
    return OK;
  }
  const place = await placeOf(session);
  const facts = session.stateDir === null ? await configured(session) : {};
  let stored: JsonObject;
  try {
    stored = objectIn(await readStopped(session, place, "state.status", {}));
  } catch (error) {
    // A device that was never started has no database yet, which is no fault.
    if (!(error instanceof CodedError && error.code === "store_missing")) throw error;
    stored = { lastShutdown: "never" };
  }
  const value = { running: false, state: place.dir, ...facts, ...stored };
  session.result(value, `the daemon is stopped\n${rowsOf(value)}`);
  return FAILED;
};

export function addStatus(program: Command, cli: Cli): void {
  add(program, "status", {
    does: "show what the daemon does now; of a stopped one, what its state says",
    examples: ["imuctl status", "imuctl status --json"],
    exits: "0 running, 1 stopped",
  }).action(act(cli, status));
}
