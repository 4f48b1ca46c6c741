/** `imuctl send`: signs a command, publishes it and waits for the device's signed receipt (docs/protocol.md). */
import type { Command } from "commander";
import { toHex, utf8 } from "../../core/bytes.ts";
import { canonicalize } from "../../core/canonical-json.ts";
import { signStatement } from "../../core/dsse.ts";
import { verifyEnvelope } from "../../core/dsse-verify.ts";
import { type Ed25519KeyPair, keyPairFromPem } from "../../core/ed25519.ts";
import { CodedError } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { keyIdOf } from "../../core/key-record.ts";
import { COMMAND_LIMITS } from "../../core/limits.ts";
import { parseJson } from "../../core/parse-json.ts";
import { COMMAND_TYPE, deviceTopics, newMessageId, RECEIPT_TYPE } from "../../fleet/index.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import { BROKER_OPTIONS, openBroker } from "../broker.ts";
import { act, add, type Cli, countOption, type Handler, type OptionValue, textOption } from "../command.ts";
import { deferred } from "../deferred.ts";
import { jsonObject, objectIn } from "../json-input.ts";
import { operatorKey, type TargetDevice, targetDevice } from "../operator.ts";
import type { Session } from "../session.ts";
import { pairs } from "../text.ts";

const MAX_WAIT_S = 3600;

interface Request {
  readonly name: string;
  readonly args: JsonObject;
  readonly dryRun: boolean;
  readonly waitMs: number;
}

interface Answer {
  readonly receipt: JsonObject;
  readonly verified: boolean;
}

function commandOf(
  session: Session,
  target: TargetDevice,
  request: Request,
  challenge: string | null,
): JsonObject {
  const { clock, entropy } = session.io;
  const issuedAt = clock.wallMs();
  return {
    schema: "imu.command/1",
    id: newMessageId(issuedAt, entropy),
    nonce: toHex(entropy.bytes(16)),
    fleet: target.fleet,
    audience: { devices: [target.device] },
    name: request.name,
    args: request.args,
    issuedAt,
    expiresAt: issuedAt + COMMAND_LIMITS.sentLifetimeMs,
    ...(challenge === null ? {} : { challenge }),
    ...(request.dryRun ? { dryRun: true } : {}),
  };
}

/** What came back, believed only as far as the device's key proves it. @throws CodedError for a forged answer. */
function readReceipt(bytes: Uint8Array, command: JsonObject, target: TargetDevice): Answer {
  const envelope = parseJson(bytes, {
    maxBytes: COMMAND_LIMITS.receiptBytes,
    maxDepth: COMMAND_LIMITS.receiptDepth,
  });
  const keys = new Map(
    target.deviceKey === null ? [] : [[keyIdOf(target.deviceKey), { publicKey: target.deviceKey }]],
  );
  const checked = verifyEnvelope(envelope, { expectedType: RECEIPT_TYPE, keys });
  if (!checked.ok && target.deviceKey !== null) {
    throw new CodedError(
      checked.code,
      "The receipt is not signed by the device; somebody else may have answered.",
      {
        status: 403,
      },
    );
  }
  const statement = checked.ok ? checked.statement : unverifiedPayload(envelope);
  const receipt = objectIn(statement);
  const matches =
    receipt.commandId === command.id &&
    receipt.device === target.device &&
    receipt.commandHash === hashJson(command);
  if (!matches) throw new CodedError("malformed", "The receipt answers another command.", { status: 400 });
  return { receipt, verified: checked.ok };
}

function unverifiedPayload(envelope: Json): Json {
  const payload = isJsonObject(envelope) && typeof envelope.payload === "string" ? envelope.payload : "";
  return parseJson(Buffer.from(payload, "base64"), {
    maxBytes: COMMAND_LIMITS.receiptBytes,
    maxDepth: COMMAND_LIMITS.receiptDepth,
  });
}

async function exchange(
  session: Session,
  bus: MessageBus,
  target: TargetDevice,
  key: Ed25519KeyPair,
  request: Request,
  challenge: string | null,
): Promise<Answer> {
  const topics = deviceTopics(target.fleet, target.device);
  const command = commandOf(session, target, request, challenge);
  const envelope = signStatement(COMMAND_TYPE, command, [{ keyId: keyIdOf(key.publicKeyHex), pair: key }]);
  const answered = deferred<Uint8Array>();
  await using _reply = await bus.subscribe(topics.reply(String(command.id)), ({ payload }) =>
    answered.resolve(payload),
  );
  await bus.publish(
    topics.command,
    utf8(canonicalize(envelope)),
    { qos: 1, retain: false },
    session.io.signal,
  );
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, session.io.signal]);
  const overdue = session.io.clock.sleep(request.waitMs, signal).then(() => null);
  try {
    const bytes = await Promise.race([answered.promise, overdue]);
    if (bytes !== null) return readReceipt(bytes, command, target);
  } finally {
    stop.abort();
    await overdue.catch((reason: unknown) => {
      if (reason !== signal.reason) throw reason;
    });
  }
  throw new CodedError("no_receipt", `${target.device} did not answer within ${request.waitMs / 1000} s.`, {
    status: 503,
    details: {
      commandId: String(command.id),
      remedy:
        "is it online, is its name right, is the key in its authority.json? A command runs at most once: send again.",
    },
  });
}

/** The challenge of the retained status; null if the device has published none. */
async function challengeOf(
  session: Session,
  bus: MessageBus,
  target: TargetDevice,
  waitMs: number,
): Promise<string | null> {
  const found = deferred<string | null>();
  const topic = deviceTopics(target.fleet, target.device).status;
  await using _status = await bus.subscribe(topic, ({ payload }) => {
    try {
      const { challenge } = objectIn(
        parseJson(payload, { maxBytes: COMMAND_LIMITS.receiptBytes, maxDepth: COMMAND_LIMITS.receiptDepth }),
      );
      found.resolve(typeof challenge === "string" ? challenge : null);
    } catch (error) {
      found.reject(error);
    }
  });
  using _limit = session.io.clock.after(waitMs, () => found.resolve(null));
  return await found.promise;
}

function requestOf(args: readonly string[], options: Readonly<Record<string, OptionValue>>): Request {
  return {
    name: args[0] ?? "",
    args: jsonObject(textOption(options.args) ?? "{}", "--args"),
    dryRun: options.dryRun === true,
    waitMs: countOption(options.wait, "--wait", MAX_WAIT_S) * 1000,
  };
}

const send: Handler = async (session, { args, options }) => {
  const request = requestOf(args, options);
  const key = keyPairFromPem(await operatorKey(session, textOption(options.key)));
  const target = await targetDevice(session, options);
  await using bus = await openBroker(session, options);
  let answer = await exchange(session, bus, target, key, request, null);
  if (answer.receipt.code === "clock_untrusted") {
    const challenge = await challengeOf(session, bus, target, request.waitMs);
    session.note("the device does not trust its clock yet; answering its challenge instead");
    if (challenge !== null) answer = await exchange(session, bus, target, key, request, challenge);
  }
  const { receipt, verified } = answer;
  if (!verified)
    session.note("the receipt was NOT verified: give the device's key with --device-key, or a roster");
  const { outcome, code, status, details, ledger, at, policyHash } = receipt;
  session.result(
    { receipt, verified },
    pairs([
      ["outcome", outcome],
      ["code", code],
      ["status", status],
      ["details", details],
      ["ledger entry", objectIn(ledger).seq],
      ["entry hash", objectIn(ledger).hash],
      ["policy", policyHash],
      ["at", at],
      ["receipt", verified ? "verified" : "not verified"],
    ]),
  );
  return session.exit(outcome === "done" || outcome === "dry_run" || outcome === "accepted");
};

export function addSend(program: Command, cli: Cli): void {
  const command = add(program, "send <name>", {
    does: "sign a command, publish it over MQTT and wait for the device's signed receipt",
    examples: [
      "imuctl send status.get --key operator/operator.key",
      `imuctl send run.start --args '{"program":"irrigation"}' --key operator.key --device imu-0123456789abcdef \\`,
      "    --fleet plant --broker mqtts://broker.example --ca ca.crt --device-key device.pub",
    ],
    exits: "0 done, 1 refused or no receipt",
  })
    .requiredOption("--key <pem>", "the operator's private key, mode 0600")
    .option("--args <json>", "arguments of the command", "{}")
    .option("--dry-run", "all checks and the plan, no change")
    .option("--wait <seconds>", "how long to wait for the receipt", "15");
  for (const [flags, text] of [...TARGET_OPTIONS, ...BROKER_OPTIONS]) command.option(flags, text);
  command.action(act(cli, send));
}

const TARGET_OPTIONS = [
  ["--device <id>", "default: the device of the configuration"],
  ["--fleet <name>", "default: the fleet of the configuration"],
  ["--device-key <pem>", "public key of the device; default: from the roster or the state"],
] as const;
