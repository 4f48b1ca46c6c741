import { fromHex, fromUtf8, toHex, utf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { pae, signStatement } from "../../../firmware/core/dsse.ts";
import { verifyEnvelope } from "../../../firmware/core/dsse-verify.ts";
import { keyPairFromSeed } from "../../../firmware/core/ed25519.ts";
import type { Refusal } from "../../../firmware/core/errors.ts";
import { sha256Hex } from "../../../firmware/core/hash.ts";
import { keyFileProblem } from "../../../firmware/core/key-file.ts";
import { deviceIdOf, keyIdOf } from "../../../firmware/core/key-record.ts";
import { keyProblem } from "../../../firmware/core/key-use.ts";
import { deriveSealKey, sealAad, sealParts } from "../../../firmware/core/seal.ts";
import { judgeCommand } from "../../../firmware/fleet/command-judge.ts";
import { judgeDelegation } from "../../../ota/trust/delegation.ts";
import { judgeQuorum } from "../../../ota/trust/quorum.ts";
import type { Given, OpModule } from "../registry.ts";

const flat = (result: { readonly ok: boolean } | Refusal): unknown =>
  "details" in result ? { ...result.details, ok: false, code: result.code, status: result.status } : result;
// biome-ignore lint/suspicious/noExplicitAny: keys of a vector, read as they stand.
const mapOf = (record: Given): Map<string, any> => new Map(Object.entries(record));

function dsseVerify(given: Given): unknown {
  const keys = new Map(
    Object.entries(given.keys).map(([id, publicKey]) => [id, { publicKey: String(publicKey) }] as const),
  );
  const options = { expectedType: given.expectedType, keys, k: given.k ?? 1 };
  const result = verifyEnvelope(given.envelope, options);
  return result.ok ? { ok: true, signers: result.signers.length } : flat(result);
}

function dsseSign(given: Given): unknown {
  const pair = keyPairFromSeed(fromHex(given.privateKeyHex));
  const signer = { keyId: keyIdOf(pair.publicKeyHex), pair };
  const envelope = signStatement(given.payloadType, given.statement, [signer]);
  return { publicKey: pair.publicKeyHex, payload: envelope.payload, sig: envelope.signatures[0]?.sig };
}

function command(given: Given): unknown {
  const rules = mapOf(given.commands);
  const rule = rules.get(given.command.name);
  const seen: Given[] = given.seen ?? [];
  const { device } = given;
  const result = judgeCommand({
    command: given.command,
    hash: given.hash,
    sizeBytes: given.sizeBytes ?? 1000,
    signatures: given.signatures,
    keys: mapOf(given.keys),
    device: {
      id: device.id,
      fleet: device.fleet,
      groups: device.groups ?? [],
      nowMs: device.nowMs,
      clockTrusted: device.clockTrusted ?? true,
      challenge: device.challenge ?? null,
      timeFloorMs: device.timeFloorMs ?? 0,
    },
    rule: rule ? { scope: rule.scope, quorum: rule.quorum ?? 1 } : null,
    seenById: seen.find((one) => one.id === given.command.id) ?? null,
    seenNonce: (keyId, nonce) => seen.find((one) => one.keyId === keyId && one.nonce === nonce)?.id ?? null,
    countLastMinute: () => given.countLastMinute ?? 1,
    argsProblem: () => (given.argsValid === false ? "invalid" : null),
  });
  return flat(result);
}

function sealCase(given: Given): unknown {
  const key = deriveSealKey(fromHex(given.masterHex), given.purpose, given.subject);
  const place = { sublevel: given.sublevel, key: given.key };
  const { cipher, tag } = sealParts(key, place, fromHex(given.nonceHex), utf8(given.plaintext));
  return {
    keyHex: toHex(key.key),
    aad: fromUtf8(sealAad(place)),
    cipherHex: toHex(cipher),
    tagHex: toHex(tag),
  };
}

function keyUse(given: Given): unknown {
  const use =
    given.purpose === "now"
      ? { purpose: "now" as const, now: given.now }
      : { purpose: "history" as const, signedAt: given.signedAt, ledgerTime: given.ledgerTime ?? null };
  const code = keyProblem(given.key, use);
  return code ? { ok: false, code } : { ok: true };
}

function keyFile(given: Given): unknown {
  const problem = keyFileProblem({
    path: "/var/lib/imud/keys/master.key",
    directory: "/var/lib/imud/keys",
    exists: given.exists,
    isRegularFile: !given.isSymlink,
    ownedByDaemon: given.ownerUid === given.daemonUid,
    mode: given.mode,
    directoryMode: given.dirMode,
    bytes: given.bytes,
    expectedBytes: given.expectedBytes ?? null,
  });
  return problem ? flat(problem) : { ok: true };
}

export const modules: readonly OpModule[] = [
  {
    area: "trust",
    ops: {
      "trust.keyId": (given) => ({ keyId: keyIdOf(given.publicKey) }),
      "trust.deviceId": (given) => ({ deviceId: deviceIdOf(given.publicKey) }),
      "trust.pae": (given) => ({ paeHex: toHex(pae(given.payloadType, utf8(given.payload))) }),
      "trust.canonical": (given) => {
        const bytes = canonicalize(given.value);
        return { bytes, sha256: sha256Hex(bytes) };
      },
      "trust.dsseSign": dsseSign,
      "trust.dsseVerify": dsseVerify,
      "trust.quorum": (given) => flat(judgeQuorum({ ...given, keys: mapOf(given.keys) })),
      "trust.delegation": (given) => flat(judgeDelegation({ ...given, authority: mapOf(given.authority) })),
      "trust.command": command,
      "trust.keyUse": keyUse,
      "trust.seal": sealCase,
      "trust.keyFile": keyFile,
    },
  },
];
