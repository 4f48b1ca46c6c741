/** What an adversary sends (simulator.md 7): it is a client of the broker with a key of its own or a stolen one. */
import { fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { type Ed25519KeyPair, keyPairFromPem, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import type { Json } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { topicMatches } from "../../firmware/core/topic-filter.ts";
import { COMMAND_TYPE } from "../../firmware/fleet/index.ts";
import type { RawClient } from "../network/adversary.ts";
import type { AttackAct } from "../scenario/acts.ts";
import type { Adversary } from "../scenario/types.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { STATE_DIR } from "./provision.ts";
import type { Sim } from "./sim.ts";

type Of<K extends AttackAct["send"]> = Extract<AttackAct, { readonly send: K }>;

const SECOND_US = 1_000_000;

/** The key that the adversary holds; null if it has none. */
function keyOf(sim: Sim, { id, key }: Adversary): Ed25519KeyPair | null {
  if (key === "none") return null;
  if (key.startsWith("operator:")) return sim.operator(key.slice("operator:".length)).key.pair;
  if (key.startsWith("device:")) {
    const pem = sim.member(key.slice("device:".length)).disk.peekFile(`${STATE_DIR}/keys/device.key`);
    return pem ? keyPairFromPem(fromUtf8(pem)) : null;
  }
  return keyPairFromSeed(new SeededEntropy(sim.seed, `adversary:${id}:key`).bytes(32));
}

const bytesOf = (payload: Json): Uint8Array =>
  utf8(typeof payload === "string" ? payload : canonicalize(payload ?? {}));

function malformed(client: RawClient, { topic, count }: Of<"malformed">, entropy: SeededEntropy): void {
  for (let i = 0; i < (count ?? 1); i++) {
    const kinds = [
      () => entropy.bytes(entropy.below(64)),
      () => utf8(`{"payloadType":"${COMMAND_TYPE}","payload":"${"A".repeat(entropy.below(99))}"`),
      () => utf8('{"payload":null,"payloadType":1,"signatures":{}}'),
      () => utf8("[".repeat(1 + entropy.below(4000))),
      () => new Uint8Array(0),
    ];
    const make = kinds[entropy.below(kinds.length)];
    if (make) client.publish(topic, make());
  }
}

function replay(sim: Sim, client: RawClient, { copy, count, topic }: Of<"replay">): void {
  const heard = sim.messages.filter((message) => topicMatches(copy, message.topic)).slice(-(count ?? 10));
  for (const message of heard) client.publish(topic ?? message.topic, message.payload);
}

/** A statement that says to be of `as` and is signed with the adversary's key. */
function forge(
  sim: Sim,
  client: RawClient,
  adversary: Adversary,
  act: Of<"forge">,
  entropy: SeededEntropy,
): void {
  const pair = keyOf(sim, adversary) ?? keyPairFromSeed(entropy.bytes(32));
  const claimed = sim.operators.get(act.as)?.key.keyId ?? keyIdOf(pair.publicKeyHex);
  const statement = {
    nonce: toHex(entropy.bytes(16)),
    ...(typeof act.payload === "object" ? act.payload : {}),
  };
  const signed = signStatement(COMMAND_TYPE, statement, [{ keyId: claimed, pair }]);
  client.publish(act.topic, utf8(canonicalize(signed)));
}

function flood(sim: Sim, client: RawClient, act: Of<"flood">, entropy: SeededEntropy): void {
  const { time } = sim;
  const untilUs = time.nowUs + act.forUs;
  const everyUs = SECOND_US / act.perSecond;
  const again = (): void => {
    client.publish(act.topic, entropy.bytes(act.bytes ?? 64), { qos: 0 });
    if (time.nowUs + everyUs < untilUs) time.at(time.nowUs + everyUs, 2, again);
  };
  again();
}

/** An act with the devices' ids in place of their names, wherever it says `{name}`. */
function addressed(sim: Sim, act: AttackAct): AttackAct {
  return JSON.parse(sim.addressed(JSON.stringify(act))) as AttackAct;
}

/** Sends now. The broker may refuse it; the devices must bear it. */
export function attack(sim: Sim, adversary: Adversary, said: AttackAct): void {
  const act = addressed(sim, said);
  const entropy = new SeededEntropy(sim.seed, `adversary:${adversary.id}:${sim.time.nowUs}`);
  const client = sim.adversary(adversary.id);
  if (!client.isConnected) client.connect({ clean: true });
  switch (act.send) {
    case "raw":
      client.publish(act.topic, bytesOf(act.payload), {
        qos: act.qos === 0 ? 0 : 1,
        retain: act.retain ?? false,
      });
      return;
    case "malformed":
      malformed(client, act, entropy);
      return;
    case "oversized":
      client.publish(act.topic, entropy.bytes(act.bytes));
      return;
    case "replay":
      replay(sim, client, act);
      return;
    case "forge":
      forge(sim, client, adversary, act, entropy);
      return;
    case "equivocate":
      client.publish(act.topic, bytesOf(act.payload));
      client.publish(act.topic, utf8(canonicalize({ nonce: toHex(entropy.bytes(8)) })));
      return;
    case "flood":
      flood(sim, client, act, entropy);
      return;
  }
}
