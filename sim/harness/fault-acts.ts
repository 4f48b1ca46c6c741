/** Faults of the timeline as what they do to the simulated parts (simulator.md 4, 5, 7, 8, 9). */
import { CodedError } from "../../firmware/core/errors.ts";
import type { SimFault } from "../board/faults.ts";
import { BROKER } from "../network/network.ts";
import type { FaultAct } from "../scenario/acts.ts";
import { SeededEntropy } from "../time/entropy.ts";
import type { QuantityFault } from "../world/quantity-faults.ts";
import { turnByzantine } from "./byzantine.ts";
import type { FaultClass } from "./invariants/invariant.ts";
import type { Member, Sim } from "./sim.ts";

/** Ends a fault; null for one that is over as soon as it has struck. */
export type EndFault = (() => void) | null;

type Of<K extends FaultAct["fault"]> = Extract<FaultAct, { readonly fault: K }>;

const BROKER_DOWN_US = 3_000_000;
const REBOOT_MS = 3000;
const DEFAULT_SIGMA = 1;
const DEFAULT_CHIP_ID_REGISTER = 0xd0;

const refuse = (path: string, why: string): never => {
  throw new CodedError("scenario_invalid", `${path}: ${why}.`, { status: 422, details: { path, why } });
};

/** `i2c-1/0x44` of a scenario is `i2c:1:0x44` on the board. */
export const boardTarget = (target: string): string => target.replace("-", ":").replace("/", ":");

const membersOf = (sim: Sim, devices: readonly string[]): readonly Member[] =>
  devices.map((name) => sim.member(name));

/** One fault for each device, ended together. */
function onEach(sim: Sim, devices: readonly string[], start: (member: Member) => EndFault): EndFault {
  const ends = membersOf(sim, devices).map(start);
  return () => {
    for (const end of ends) end?.();
  };
}

function oneway(sim: Sim, { from, to }: Of<"oneway">): EndFault {
  const blocked: (readonly [string, "up" | "down"])[] = [
    ...from.filter((name) => name !== BROKER).map((name) => [name, "up"] as const),
    ...(from.includes(BROKER) ? to.map((name) => [name, "down"] as const) : []),
  ];
  for (const [name, way] of blocked) sim.network.block(name, way);
  return () => {
    for (const [name, way] of blocked) sim.network.unblock(name, way);
  };
}

function cut(sim: Sim, act: Of<"cut">): EndFault {
  const { label, nth, step, offMs, torn } = act;
  for (const { device } of membersOf(sim, act.devices)) {
    if (label === null && step === null) device.powerOff(offMs ?? REBOOT_MS, torn ?? false);
    else
      device.cutAt(
        {
          ...(step === null ? {} : { step }),
          ...(label === null ? {} : { label, nth: nth ?? 1 }),
          point: act.point ?? "before",
        },
        { offMs: offMs ?? REBOOT_MS, torn: torn ?? false },
      );
  }
  return null;
}

function quantityFault(act: Of<"sensor">): QuantityFault {
  switch (act.kind) {
    case "noise":
      return { kind: "noise", sigma: act.sigma ?? DEFAULT_SIGMA };
    case "drift":
      return { kind: "drift", perHour: act.perHour ?? 1 };
    case "offset":
      return { kind: "offset", by: act.by ?? 1 };
    case "stuck":
      return { kind: "stuck", value: act.value };
    case "spike":
      return { kind: "spike", p: act.p ?? 0.1, by: act.by ?? 10 };
    case "dropout":
      return { kind: "dropout", p: act.p ?? 0.1, value: act.value ?? 0 };
  }
}

function sensor(sim: Sim, act: Of<"sensor">): EndFault {
  return onEach(sim, act.devices, ({ parts, device }) => {
    const known = parts.faults.get(act.target) ?? refuse(act.target, `${device.name} has no such part`);
    const named = act.quantity === null ? [...known.values()] : [known.get(act.quantity)];
    const fault = quantityFault(act);
    for (const faults of named) {
      if (!faults) refuse(`${act.target}/${String(act.quantity)}`, "the part measures no such quantity");
      faults?.add(fault, { fromUs: sim.time.nowUs, untilUs: null });
    }
    return () => {
      for (const faults of named) faults?.clear(fault.kind);
    };
  });
}

function busFault(act: Of<"bus">): SimFault {
  switch (act.kind) {
    case "nack":
    case "corrupt":
      return { kind: act.kind, p: act.p ?? 1 };
    case "stretch":
      return { kind: "stretch", ms: act.ms ?? 10 };
    case "slow":
      return { kind: "slow", factor: act.factor ?? 10 };
    case "wrong_id":
      return { kind: "wrong_id", register: DEFAULT_CHIP_ID_REGISTER, value: 0x58 };
    default:
      return { kind: act.kind };
  }
}

function gpio(sim: Sim, act: Of<"gpio">): EndFault {
  const { line, kind } = act;
  return onEach(sim, act.devices, ({ board, parts, device }) => {
    if (kind === "welded" || kind === "open") {
      const relay = parts.relays.get(line) ?? refuse(`gpio-${line}`, `${device.name} has no relay there`);
      relay.defect = kind;
      return () => {
        relay.defect = null;
      };
    }
    if (kind === "floating") return refuse(`gpio-${line}`, "a wired line does not float");
    board.faults.inject(`gpio:${line}`, { kind });
    return () => board.faults.clear(`gpio:${line}`, kind);
  });
}

/** A stored row, drawn from the faults' own stream. */
function rotSomeRow(sim: Sim, { device, disk, observer }: Member, silent: boolean): void {
  const rows = [...disk.image()].flatMap((part) =>
    part.kind === "row" && part.sub !== "meta" ? [part] : [],
  );
  if (rows.length === 0) return;
  const entropy = new SeededEntropy(sim.seed, `faults:rot:${device.name}:${sim.time.nowUs}`);
  const row = rows[entropy.below(rows.length)];
  if (row) disk.rotRow(row.sub, row.key, { silent });
  observer.isDiskHonest = false;
}

function disk(sim: Sim, act: Of<"disk">): EndFault {
  return onEach(sim, act.devices, (member) => {
    const { disk: medium, device, observer } = member;
    switch (act.kind) {
      case "full":
        medium.limitFreeBytes(act.bytes ?? 0);
        return () => medium.limitFreeBytes(undefined);
      case "readonly":
        medium.setReadOnly(true);
        return () => medium.setReadOnly(false);
      case "slow": {
        const us = (act.ms ?? 50) * 1000;
        medium.setSlowSync({ minUs: us, spreadUs: us, tailP: act.p ?? 0, tailUs: us * 20 });
        return () => medium.setSlowSync(null);
      }
      case "bitrot":
        rotSomeRow(sim, member, act.silent ?? false);
        return null;
      case "lying":
        device.lieAboutSync(act.batches ?? 1);
        observer.isDiskHonest = false;
        return () => device.lieAboutSync(0);
      case "torn":
        device.tearNextCut(true);
        return () => device.tearNextCut(false);
    }
  });
}

function clockFault(
  sim: Sim,
  act: Of<"clock_jump"> | Of<"drift"> | Of<"time_sync"> | Of<"rtc_loss">,
): EndFault {
  for (const { device, calendar } of membersOf(sim, act.devices)) {
    if (act.fault === "clock_jump") device.jumpClock(act.byMs);
    else if (act.fault === "drift") device.drift(act.ppm);
    else if (act.fault === "rtc_loss") calendar.loseBattery();
    else if (act.never === true) calendar.neverSynchronise();
    else device.synchronise();
  }
  return null;
}

function linkFault(sim: Sim, act: Of<"flap"> | Of<"dns"> | Of<"portal"> | Of<"link_reset">): EndFault {
  const { network } = sim;
  return onEach(sim, act.devices, ({ device: { name } }) => {
    if (act.fault === "link_reset") {
      network.reset(name);
      return null;
    }
    if (act.fault === "flap") {
      const flapping = network.flap(name, { periodUs: act.periodUs, duty: act.duty });
      return () => flapping[Symbol.dispose]();
    }
    if (act.fault === "dns") {
      network.failNames(name, true);
      return () => network.failNames(name, false);
    }
    network.captivePortal(name, true);
    return () => network.captivePortal(name, false);
  });
}

/** The process or the board stops in one of several ways; none of them has an end of its own. */
function stopFault(
  sim: Sim,
  act: Of<"kill"> | Of<"oom"> | Of<"watchdog"> | Of<"reboot"> | Of<"freeze">,
): EndFault {
  for (const { device } of membersOf(sim, act.devices)) {
    if (act.fault === "freeze") device.freeze(act.forUs / 1000);
    else if (act.fault === "reboot") device.rebootLoop(act.times ?? 1, REBOOT_MS);
    else device.kill();
  }
  return null;
}

const CLASSES: Readonly<Record<FaultAct["fault"], FaultClass>> = {
  partition: "link",
  oneway: "link",
  flap: "link",
  link_reset: "link",
  dns: "link",
  portal: "link",
  broker_restart: "broker",
  cut: "power",
  reboot: "power",
  kill: "process",
  freeze: "process",
  watchdog: "process",
  oom: "memory",
  clock_jump: "clock",
  drift: "clock",
  time_sync: "clock",
  rtc_loss: "clock",
  sensor: "bus",
  bus: "bus",
  gpio: "line",
  disk: "disk",
  byzantine: "adversary",
};

/** What a fault can make a sound daemon complain about. */
export const classOfFault = ({ fault }: FaultAct): FaultClass => CLASSES[fault];

/** Lets a fault strike now. @returns what ends it; null if it is over already. @throws CodedError `scenario_invalid`. */
export function applyFault(sim: Sim, act: FaultAct): EndFault {
  switch (act.fault) {
    case "partition":
      sim.network.partition(act.groups);
      return () => sim.network.partition([]);
    case "oneway":
      return oneway(sim, act);
    case "flap":
    case "dns":
    case "portal":
    case "link_reset":
      return linkFault(sim, act);
    case "broker_restart":
      sim.network.crashBroker(act.downUs ?? BROKER_DOWN_US);
      return null;
    case "cut":
      return cut(sim, act);
    case "kill":
    case "oom":
    case "watchdog":
    case "reboot":
    case "freeze":
      return stopFault(sim, act);
    case "clock_jump":
    case "drift":
    case "time_sync":
    case "rtc_loss":
      return clockFault(sim, act);
    case "sensor":
      return sensor(sim, act);
    case "bus":
      return onEach(sim, act.devices, ({ board }) => {
        const target = boardTarget(act.target);
        const fault = busFault(act);
        board.faults.inject(target, fault);
        return () => board.faults.clear(target, fault.kind);
      });
    case "gpio":
      return gpio(sim, act);
    case "disk":
      return disk(sim, act);
    case "byzantine":
      return onEach(sim, act.devices, (member) => turnByzantine(sim, member, act.kind));
  }
}
