/** What may happen in a scenario: faults, things that people and operators do, and what an adversary sends. */
import { type Act, type ActTable, may, need } from "./member.ts";

/** `fault:` of the timeline (simulator.md 4, 5, 7, 8, 9). `for` ends a fault; without it, it stays. */
export const FAULTS = {
  /** Messages pass inside the groups only; devices that no group names are with the broker. */
  partition: { groups: need("groups"), for: may("duration") },
  /** What `from` sends does not arrive at `to`; the other way it does. */
  oneway: { from: need("texts"), to: need("texts"), for: may("duration") },
  /** The link is up for `duty` of each period. */
  flap: { device: need("devices"), period: need("duration"), duty: need("share"), for: need("duration") },
  link_reset: { device: need("devices") },
  dns: { device: need("devices"), for: may("duration") },
  /** A captive portal: connections open and nobody answers. */
  portal: { device: need("devices"), for: may("duration") },
  broker_restart: { down: may("duration"), volatile: may("boolean") },
  /** Power goes at the nth step that has this label, or right now without one. */
  cut: {
    device: need("devices"),
    label: may("text"),
    nth: may("integer"),
    step: may("integer"),
    point: may(["before", "during", "after"]),
    offMs: may("integer"),
    torn: may("boolean"),
  },
  kill: { device: need("devices") },
  freeze: { device: need("devices"), for: need("duration") },
  oom: { device: need("devices"), atMiB: may("integer") },
  watchdog: { device: need("devices") },
  reboot: { device: need("devices"), times: may("integer") },
  clock_jump: { device: need("devices"), byMs: need("integer") },
  drift: { device: need("devices"), ppm: need("integer") },
  /** The wall clock is set right now, or is never set by itself from now on. */
  time_sync: { device: need("devices"), never: may("boolean") },
  rtc_loss: { device: need("devices") },
  sensor: {
    device: need("devices"),
    target: need("text"),
    /** As under `reads`; all of the part without it. */
    quantity: may("text"),
    kind: need(["noise", "drift", "offset", "stuck", "spike", "dropout"]),
    sigma: may("number"),
    perHour: may("number"),
    by: may("number"),
    p: may("share"),
    value: may("number"),
    for: may("duration"),
  },
  bus: {
    device: need("devices"),
    target: need("text"),
    kind: need(["nack", "stretch", "corrupt", "stuck_high", "bus_stuck", "disappear", "slow", "wrong_id"]),
    p: may("share"),
    ms: may("integer"),
    factor: may("number"),
    for: may("duration"),
  },
  gpio: {
    device: need("devices"),
    line: need("integer"),
    /** `welded` and `open` are contacts of a relay; the others hold the net. */
    kind: need(["stuck_low", "stuck_high", "floating", "welded", "open"]),
    for: may("duration"),
  },
  disk: {
    device: need("devices"),
    kind: need(["full", "readonly", "slow", "bitrot", "lying", "torn"]),
    /** Bytes that are still free. */
    bytes: may("integer"),
    ms: may("integer"),
    /** Synced batches that a lying disk loses. */
    batches: may("integer"),
    p: may("share"),
    silent: may("boolean"),
    for: may("duration"),
  },
  /** The device itself turns against its fleet. */
  byzantine: {
    device: need("devices"),
    kind: need(["equivocate", "replay", "forge", "flood", "clock_ahead"]),
    for: may("duration"),
  },
} as const satisfies ActTable;

/** `do:` of the timeline. */
export const DEEDS = {
  /** A signed command of an operator, or a plain message on a topic. */
  publish: {
    as: may("text"),
    device: may("devices"),
    command: may("json"),
    topic: may("text"),
    payload: may("json"),
    qos: may("integer"),
    /** Of a command: until it expires, and how long ago it was issued. */
    lifetime: may("duration"),
    age: may("duration"),
    /** Bound to the challenge of the device's newest status. */
    challenge: may("boolean"),
    /** How often the same signed message is sent, and to whom it goes if not to whom it is for. */
    times: may("integer"),
    to: may("texts"),
  },
  /** A release: path or document of the new policy, and the programs that change. */
  ota: {
    targets: need("json"),
    programs: may("texts"),
    signers: need("texts"),
    device: may("devices"),
  },
  press: { device: need("devices"), line: need("integer"), for: may("duration") },
  /** A quantity of the world; with `for` it is given back to what drives it afterwards. */
  set: { target: need("text"), value: need("number"), for: may("duration") },
  /** An operator gets a new key; the old one is retired. */
  rotate: { key: need("text") },
  run: { device: need("devices"), program: need("text"), payload: may("json") },
  /** An operator orders retention at the control socket: what is above these limits goes, witnessed or not. */
  prune: {
    device: need("devices"),
    maxDays: may("integer"),
    maxBytes: may("integer"),
    unwitnessed: may("boolean"),
  },
  approve: { as: need("text"), device: need("devices") },
  shutdown: { device: need("devices") },
  boot: { device: need("devices") },
} as const satisfies ActTable;

/** `send:` of an adversary's script (simulator.md 7). `copy` names the topic filter of what is recorded and reused. */
export const ATTACKS = {
  raw: { topic: need("text"), payload: may("json"), qos: may("integer"), retain: may("boolean") },
  malformed: { topic: need("text"), count: may("integer") },
  oversized: { topic: need("text"), bytes: need("integer") },
  replay: { copy: need("text"), count: may("integer"), topic: may("text") },
  forge: { topic: need("text"), payload: may("json"), as: need("text") },
  equivocate: { topic: need("text"), payload: may("json") },
  flood: { topic: need("text"), perSecond: need("integer"), for: need("duration"), bytes: may("integer") },
} as const satisfies ActTable;

export type FaultAct = Act<"fault", typeof FAULTS>;
export type DeedAct = Act<"do", typeof DEEDS>;
export type AttackAct = Act<"send", typeof ATTACKS>;
