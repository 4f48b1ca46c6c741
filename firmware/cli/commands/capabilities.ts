/** `imuctl capabilities`: what a program may call, with its contract, cost and rate (capabilities.md 3). */
import type { Command } from "commander";
import { detachedRegistry } from "../../composition/state-capabilities.ts";
import { CodedError } from "../../core/errors.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { OK } from "../exit-codes.ts";
import { pretty, table } from "../text.ts";

const capabilities: Handler = async (session, { args }) => {
  const { clock, entropy, isTty } = session.io;
  const registry = await detachedRegistry({ clock, entropy });
  const [wanted] = args;
  if (wanted !== undefined) {
    const found = registry.get(wanted);
    if (!found) {
      throw new CodedError("unknown_capability", `There is no capability "${wanted}".`, {
        status: 404,
        details: { remedy: "imuctl capabilities lists them." },
      });
    }
    session.result(found.contract, pretty(found.contract));
    return OK;
  }
  const contracts = registry.contracts();
  const rows = contracts.map(({ id, class: kind, costMilli, rate, timeoutMs, aliases, title }) => [
    id,
    kind,
    costMilli,
    `${rate.rps}/s burst ${rate.burst}`,
    timeoutMs,
    aliases.join(","),
    title,
  ]);
  const names = ["id", "class", "cost mphi", "rate", "timeout ms", "aliases", "title"];
  session.result({ registryVersion: registry.registryVersion, contracts }, table(names, rows, isTty));
  return OK;
};

export function addCapabilities(program: Command, cli: Cli): void {
  add(program, "capabilities [id]", {
    does: "list what programs may call, or show one contract",
    examples: ["imuctl capabilities", "imuctl capabilities gpio.write"],
  }).action(act(cli, capabilities));
}
