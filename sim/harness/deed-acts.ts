/** What people and operators do in a scenario. */

import { liveMethods } from "../../firmware/composition/live-methods.ts";
import { fillPolicyTemplate } from "../../firmware/composition/policy-template.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { deviceTopics } from "../../firmware/fleet/index.ts";
import { buildRelease, publishRelease } from "../../ota/index.ts";
import type { DeedAct } from "../scenario/acts.ts";
import type { DocumentSource } from "../scenario/types.ts";
import { contactLevel } from "./line-parts.ts";
import type { SignChange } from "./operator.ts";
import type { Sim } from "./sim.ts";
import { loadDocument } from "./software.ts";
import { WALL_ZERO_MS } from "./wall-zero.ts";

type Of<K extends DeedAct["do"]> = Extract<DeedAct, { readonly do: K }>;

const PRESS_US = 200_000;
const RELEASE_DAYS_MS = 30 * 86_400_000;

const refuse = (why: string): never => {
  throw new CodedError("scenario_invalid", why, { status: 422, details: { path: "/timeline", why } });
};

async function publish(sim: Sim, act: Of<"publish">): Promise<void> {
  const operator = sim.operator(act.as);
  if (act.topic !== null) {
    const payload = typeof act.payload === "string" ? act.payload : canonicalize(act.payload ?? {});
    const topic = sim.addressed(act.topic);
    await operator.bus.publish(topic, utf8(payload), { qos: act.qos === 0 ? 0 : 1, retain: false });
    return;
  }
  const { command } = act;
  if (!isJsonObject(command ?? null)) refuse("publish needs a command or a topic");
  const { name, args } = command as JsonObject;
  for (const device of act.devices ?? [...sim.members.keys()]) {
    const { deviceId } = sim.member(device).device.keys;
    const given = isJsonObject(args ?? null) ? (args as JsonObject) : {};
    const signed = operator.sign(deviceId, String(name), given, changesOf(sim, act, deviceId));
    const topics = act.to?.map(
      (other) => deviceTopics(sim.scenario.fleet.id, sim.member(other).device.keys.deviceId).command,
    ) ?? [signed.topic];
    for (let i = 0; i < (act.times ?? 1); i++) for (const topic of topics) await operator.send(signed, topic);
  }
}

/** What of a command differs from one that an operator would send just now. */
function changesOf(sim: Sim, act: Of<"publish">, deviceId: string): SignChange {
  const { operators, time } = sim;
  const challenge = operators.get(act.as ?? "")?.statuses.get(deviceId)?.challenge;
  return {
    ...(act.lifetimeUs === null ? {} : { lifetimeMs: Math.floor(act.lifetimeUs / 1000) }),
    ...(act.ageUs === null ? {} : { issuedAt: WALL_ZERO_MS + Math.floor((time.nowUs - act.ageUs) / 1000) }),
    ...(act.challenge === true && typeof challenge === "string" ? { challenge } : {}),
  };
}

/** A release with a new policy; programs that are not named stay as they are. */
async function ota(sim: Sim, act: Of<"ota">): Promise<void> {
  const { scenario, host, time } = sim;
  const signers = act.signers.map((id) => sim.operator(id).key);
  const operator = sim.operator(act.signers[0]);
  const source = act.targets as DocumentSource;
  const changed = new Map<string, JsonObject>();
  for (const path of act.programs ?? []) {
    const document = await loadDocument(path, scenario.file, host.read);
    changed.set(String(document.name), document);
  }
  for (const name of act.devices ?? [...sim.members.keys()]) {
    const { device, software, calendar } = sim.member(name);
    const template = JSON.stringify(await loadDocument(source, scenario.file, host.read));
    const names = { fleet: scenario.fleet.id, device: device.keys.deviceId, operator: operator.key.keyId };
    const policy = JSON.parse(fillPolicyTemplate(template, names)) as JsonObject;
    const issuedAt = calendar.trueWallMs(time.nowUs);
    const release = buildRelease(
      {
        fleet: scenario.fleet.id,
        audience: { devices: [device.keys.deviceId], groups: [] },
        releaseId: `r${String(policy.version)}`,
        version: Number(policy.version),
        policy,
        programs: software.programs.map((program) => changed.get(String(program.name)) ?? program),
        issuedAt,
        expiresAt: issuedAt + RELEASE_DAYS_MS,
      },
      signers,
    );
    sim.member(name).observer.offered.push({ hash: release.releaseHash, policy });
    await publishRelease(operator.bus, release, { fleet: scenario.fleet.id, device: device.keys.deviceId });
  }
}

function press(sim: Sim, { devices, line, forUs }: Of<"press">): void {
  const { time } = sim;
  for (const name of devices) {
    const { parts, group } = sim.member(name);
    const contact = parts.contacts.get(line) ?? refuse(`${name} has no contact on line ${line}`);
    const wire = group.wiring.find(({ place }) => place.bus === "gpio" && place.line === line);
    if (!wire) continue;
    contact.actuate(time.nowUs, contactLevel(wire, true));
    time.at(time.nowUs + (forUs ?? PRESS_US), 1, () =>
      contact.actuate(time.nowUs, contactLevel(wire, false)),
    );
  }
}

function set(sim: Sim, { target, value, forUs }: Of<"set">): void {
  const { world, time, names } = sim;
  world.advanceTo(time.nowUs);
  const name = names.worldName(target, null) ?? target;
  world.set(name, value);
  if (forUs !== null) time.at(time.nowUs + forUs, 1, () => world.release(name));
}

async function run(sim: Sim, { devices, program, payload }: Of<"run">): Promise<void> {
  for (const name of devices) {
    const methods = liveMethods(sim.member(name).device.daemon.parts);
    const start = methods["run.start"];
    const params = { program, ...(payload === null ? {} : { payload: payload as Json }) };
    if (start) await start(params, new AbortController().signal);
  }
}

async function prune(sim: Sim, { devices, maxDays, maxBytes, unwitnessed }: Of<"prune">): Promise<void> {
  for (const name of devices) {
    const { device, observer } = sim.member(name);
    const order = liveMethods(device.daemon.parts)["ledger.prune"];
    if (unwitnessed === true) observer.ledger.isPrunedUnwitnessed = true;
    const limits = { ...(maxDays === null ? {} : { maxDays }), ...(maxBytes === null ? {} : { maxBytes }) };
    if (order)
      await order(
        { ...limits, ...(unwitnessed === true ? { unwitnessed } : {}) },
        new AbortController().signal,
      );
  }
}

/** @throws CodedError of what refuses it: a link that is down, a daemon that does not run. */
export async function doDeed(sim: Sim, act: DeedAct): Promise<void> {
  switch (act.do) {
    case "publish":
      return publish(sim, act);
    case "ota":
      return ota(sim, act);
    case "press":
      return press(sim, act);
    case "set":
      return set(sim, act);
    case "run":
      return run(sim, act);
    case "prune":
      return prune(sim, act);
    case "shutdown":
      for (const name of act.devices) await sim.member(name).device.stop();
      return;
    case "boot":
      for (const name of act.devices) sim.member(name).device.start();
      return;
  }
}
