/** `imuctl ledger`: reads, proves and verifies the ledger (ledger.md 10). */
import type { Command } from "commander";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { CONTROL_LIMITS, LEDGER_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, countOption, type Handler, textOption } from "../command.ts";
import { errorJson, errorText } from "../errors.ts";
import { BAD, OK, UNREADABLE } from "../exit-codes.ts";
import { objectIn, rowsIn } from "../json-input.ts";
import type { Session } from "../session.ts";
import { read } from "../state-access.ts";
import { cell, pairs, pretty, table, time } from "../text.ts";
import { exportLedger } from "./export.ts";
import { pruneLedger } from "./ledger-prune.ts";

const VERIFY_TIMEOUT_MS = 3_600_000;
const SUMMARY_CHARS = 120;

function summary(data: JsonObject): string {
  const text = cell(data);
  return text.length > SUMMARY_CHARS ? `${text.slice(0, SUMMARY_CHARS)}…` : text;
}

const tail: Handler = async (session, { options }) => {
  const n = countOption(options.lines, "-n", CONTROL_LIMITS.list);
  const { value } = await read(session, "ledger.tail", { n });
  const rows = rowsIn(objectIn(value).entries).map((entry) => {
    const event = objectIn(entry.event);
    return [
      entry.index,
      time(entry.ts),
      event.severity,
      event.kind,
      event.actor,
      event.runId,
      summary(objectIn(event.data)),
    ];
  });
  const names = ["index", "time", "severity", "kind", "actor", "run", "data"];
  session.result(value, table(names, rows, session.io.isTty));
  return OK;
};

const show: Handler = async (session, { args }) => {
  const index = countOption(args[0], "the index", LEDGER_LIMITS.index);
  const { value } = await read(session, "ledger.show", { index });
  const { proof, ...entry } = objectIn(value);
  session.result(value, `${pretty(entry)}${typeof proof === "string" ? `\n${proof}` : ""}`);
  if (!proof) session.note("no signed checkpoint covers this entry yet");
  return OK;
};

const head: Handler = async (session) => {
  const { value } = await read(session, "ledger.head", {});
  const { size, lastHash, lastTs, epoch, checkpoint } = objectIn(value);
  const rows = pairs([
    ["size", size],
    ["head", lastHash],
    ["time", time(lastTs)],
    ["epoch", epoch],
  ]);
  session.result(value, `${rows}${typeof checkpoint === "string" ? `\n${checkpoint}` : ""}`);
  return OK;
};

function noteGaps(session: Session, report: JsonObject): void {
  if (report.headChecked === false) session.note("the seal of the head was not checked (no head key)");
  if (report.checkpointsChecked === false)
    session.note("signatures of checkpoints were not checked (no device key; give one with --device-key)");
  for (const warning of rowsIn(report.warnings)) session.note(`warning: ${cell(warning)}`);
}

const verify: Handler = async (session, { options }) => {
  const progress = session.io.isTty && !session.isJson;
  const onProgress = (entries: number): void => session.io.err(`\r${entries} entries`);
  let report: JsonObject;
  try {
    const answer = await read(
      session,
      "ledger.verify",
      {},
      {
        timeoutMs: VERIFY_TIMEOUT_MS,
        deviceKey: textOption(options.deviceKey),
        ...(progress ? { onProgress } : {}),
      },
    );
    report = objectIn(answer.value);
  } catch (error) {
    // Nothing was judged: an unreadable ledger is neither good nor bad.
    if (!(error instanceof CodedError)) throw error;
    if (session.isJson) session.io.out(`${JSON.stringify(errorJson(error))}\n`);
    session.io.err(errorText(error, false));
    return UNREADABLE;
  }
  if (progress) session.io.err("\r");
  noteGaps(session, report);
  if (report.ok !== true) {
    const where =
      report.exact === false ? `at or after index ${report.firstBad}` : `at index ${report.firstBad}`;
    session.result(report, `bad\t${where}\t${report.reason}\n`);
    return BAD;
  }
  const { count, size, lastHash, lastGoodCheckpoint, epoch } = report;
  session.result(
    report,
    pairs([
      ["ok", "verified"],
      ["entries", count],
      ["size", size],
      ["head", lastHash],
      ["checkpoint", lastGoodCheckpoint],
      ["epoch", epoch],
    ]),
  );
  return OK;
};

const keys: Handler = async (session) => {
  const { value } = await read(session, "ledger.keys", {});
  const { device, log, witness } = objectIn(value);
  session.result(
    value,
    pairs([
      ["device", device],
      ["log", log],
      ["witness", witness],
    ]),
  );
  return OK;
};

export function addLedger(program: Command, cli: Cli): void {
  const ledger = add(program, "ledger", { does: "read and verify the ledger" });
  add(ledger, "tail", {
    does: "show the last entries, oldest first",
    examples: ["imuctl ledger tail -n 50", "imuctl ledger tail --json | jq '.entries[].event.kind'"],
  })
    .option("-n, --lines <count>", "how many", "20")
    .action(act(cli, tail));
  add(ledger, "show <index>", {
    does: "show one entry, with its proof if a signed checkpoint covers it",
    examples: ["imuctl ledger show 42"],
  }).action(act(cli, show));
  add(ledger, "head", { does: "show size, head hash and the last checkpoint" }).action(act(cli, head));
  add(ledger, "keys", {
    does: "show the device's verifier keys: of its log, and of its cosignatures on the logs of others",
    examples: ["imuctl ledger keys"],
  }).action(act(cli, keys));
  add(ledger, "export", {
    does: "write a range of the log as text, to be read and verified elsewhere",
    examples: ["imuctl ledger export --out ledger.txt", "imu-verify ledger.txt --key device.pub"],
  })
    .option("--from <index>", "first entry (default 0)")
    .option("--to <size>", "size of a signed checkpoint (default: the largest)")
    .option("--out <file>", "a new file; without it standard output")
    .action(act(cli, exportLedger));
  add(ledger, "prune", {
    does: "prune now; the running daemon records it, and what stays is still provable",
    examples: ["imuctl ledger prune", "imuctl ledger prune --max-bytes 67108864 --unwitnessed"],
    exits: "0 done, 1 entries that are due stay, because too few other devices have signed for them",
  })
    .option("--max-days <n>", "entries older than this go (default: ledger.maxDays)")
    .option("--max-bytes <n>", "the oldest entries above this go (default: ledger.maxBytes)")
    .option("--unwitnessed", "also what no other device has signed for")
    .action(act(cli, pruneLedger));
  add(ledger, "verify", {
    does: "verify every entry, the Merkle tree, the checkpoints and the head; needs no secret",
    examples: ["imuctl ledger verify", "imuctl ledger verify --state /mnt/copy/imud --device-key device.pub"],
    exits: "0 verified, 2 damaged (first bad index and reason on one line), 3 the ledger cannot be read",
  })
    .option("--device-key <pem>", "public key of the device, from elsewhere; reads the state itself")
    .action(act(cli, verify));
}
