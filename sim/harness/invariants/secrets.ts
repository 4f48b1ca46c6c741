/** I11: no secret in rows, files, messages, log lines or trace, in any form that somebody would write it in. */
import { toBase64, toHex, utf8 } from "../../../firmware/core/bytes.ts";
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { ByteSearch, type Needle, SHORTEST_NEEDLE } from "./byte-search.ts";
import type { Invariant, InvariantContext, ObservedDevice } from "./invariant.ts";

/** Where the device's own keys lie, mode 0600 (trust.md 10). */
const KEY_FILES = /\/keys\/(device|master)\.key$/;
/** Sublevels whose keys are made of numbers and hashes alone. */
const PLAIN_KEYS = /^(ev|evrun|lg|lgn|lgx|run|cas|progdoc|outbox|commands)[!.]/;

/** Raw, hexadecimal in both cases, and base64 in both alphabets at each of the three places a byte can have in it. */
function formsOf(name: string, bytes: Uint8Array): readonly Needle[] {
  const hex = toHex(bytes);
  const base64 = [0, 1, 2].map((shift) => {
    const padded = new Uint8Array(shift + bytes.length);
    padded.set(bytes, shift);
    // Characters that depend on neighbours are cut off at both ends.
    return toBase64(padded)
      .replaceAll("=", "")
      .slice(shift === 0 ? 0 : shift + 1, -2);
  });
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const texts = [...new Set([hex, hex.toUpperCase(), ...base64, ...url])];
  return [{ name, bytes }, ...texts.map((text) => ({ name, bytes: utf8(text) }))];
}

/** Texts inside a JSON value, long ones only, with what their members are called. */
function longTexts(value: Json | undefined, found: string[] = []): string[] {
  if (typeof value === "string") {
    if (value.length >= SHORTEST_NEEDLE) found.push(value);
  } else if (Array.isArray(value)) for (const item of value) longTexts(item, found);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key.length >= SHORTEST_NEEDLE) found.push(key);
      longTexts(item, found);
    }
  }
  return found;
}

class SecretCheck {
  readonly #context: InvariantContext;
  readonly #search: ByteSearch;

  constructor(context: InvariantContext) {
    this.#context = context;
    this.#search = new ByteSearch(context.secrets.flatMap(([name, bytes]) => formsOf(name, bytes)));
  }

  all(): void {
    if (this.#search.isEmpty) return;
    for (const device of this.#context.devices) this.#device(device);
    for (const { topic, payload, from, atUs } of this.#context.messages) {
      const secret =
        this.#search.findIn(payload) ??
        (topic.length < SHORTEST_NEEDLE ? null : this.#search.findIn(utf8(topic)));
      if (secret !== null) this.#say("A secret is in a message.", from, { secret, topic, atUs });
    }
  }

  #say(what: string, actor: string, details: JsonObject): void {
    this.#context.report({ id: "I11", what, actor, details });
  }

  #device(device: ObservedDevice): void {
    const { deviceId, log, lives } = device;
    for (const [where, bytes] of device.image()) {
      if (KEY_FILES.test(where)) continue;
      const inKey = PLAIN_KEYS.test(where) ? null : this.#search.findIn(utf8(where));
      const secret = inKey ?? this.#search.findIn(bytes);
      if (secret !== null) this.#say("A secret is on the disk.", deviceId, { secret, where });
    }
    for (const { event, fields } of log) {
      const secret = this.#inTexts(fields);
      if (secret !== null) this.#say("A secret is in the log.", deviceId, { secret, event });
    }
    for (const { trace } of lives) {
      for (const { kind, data, atUs } of trace) {
        const secret = this.#inTexts(data);
        if (secret !== null) this.#say("A secret is in the trace.", deviceId, { secret, kind, atUs });
      }
    }
  }

  #inTexts(value: Json | undefined): string | null {
    for (const text of longTexts(value)) {
      const secret = this.#search.findIn(utf8(text));
      if (secret !== null) return secret;
    }
    return null;
  }
}

export const secretInvariant: Invariant = {
  id: "I11",
  check(context) {
    new SecretCheck(context).all();
  },
};
