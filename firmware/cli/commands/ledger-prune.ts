/** `imuctl ledger prune`: an operator's order to prune now, and perhaps more than retention would take (ledger.md 11). */
import type { JsonObject } from "../../core/json.ts";
import { countOption, type Handler } from "../command.ts";
import { objectIn } from "../json-input.ts";
import { pairs } from "../text.ts";

/** Pruning rests as long as it works, so that a large log takes a while. */
const PRUNE_TIMEOUT_MS = 3_600_000;

export const pruneLedger: Handler = async (session, { options }) => {
  const limit = (value: (typeof options)[string], flag: string): number | undefined =>
    value === undefined ? undefined : countOption(value, flag, Number.MAX_SAFE_INTEGER);
  const maxDays = limit(options.maxDays, "--max-days");
  const maxBytes = limit(options.maxBytes, "--max-bytes");
  const params: JsonObject = {
    ...(maxDays === undefined ? {} : { maxDays }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(options.unwitnessed === true ? { unwitnessed: true } : {}),
  };
  const value = objectIn(await session.ask("ledger.prune", params, PRUNE_TIMEOUT_MS));
  const log = objectIn(value.log);
  const runs = objectIn(value.runs);
  session.result(
    value,
    pairs([
      ["pruned entries", log.pruned],
      ["first entry", log.minIndex],
      ["bytes left", log.bytes],
      ["notes removed", log.notes],
      ["run records removed", runs.records],
      ["evidence removed", runs.envelopes],
    ]),
  );
  if (log.unwitnessed === true)
    session.note(
      "entries that are due stay: too few other devices have cosigned a checkpoint over them (--unwitnessed prunes them all the same)",
    );
  return session.exit(log.unwitnessed !== true);
};
