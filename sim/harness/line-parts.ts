/** Parts on single lines: contacts that the board listens to, actuators that it drives. */
import type { Level } from "../../firmware/ports/hardware.ts";
import { Contact } from "../board/contact.ts";
import type { EdgeSource } from "../board/edge-source.ts";
import type { Actuator, LineWiring } from "../board/line-wiring.ts";
import { EdgeTimeline, type LevelSink } from "../devices/edge-timeline.ts";
import { FanModel } from "../devices/fan.ts";
import { LoadModel } from "../devices/load.ts";
import { PirModel } from "../devices/pir.ts";
import { PulseOutput } from "../devices/pulse-output.ts";
import { RelayModel } from "../devices/relay.ts";
import { ValveModel } from "../devices/valve.ts";
import type { Wire } from "../scenario/types.ts";
import { idleLevel, type PartContext } from "./parts.ts";

const FAN_RPM = 1500;
/** From here on a contact's quantity means closed, a movement in view, an open door. */
const HALF = 0.5;

export interface LinePart {
  readonly wiring: LineWiring;
  readonly relay?: RelayModel;
  readonly contact?: LevelSink;
  /** Looks at the world; called at each of its steps. */
  readonly follow?: (nowUs: number) => void;
}

function actuatorPart(context: PartContext): LinePart {
  const { wire, stream, drive } = context;
  const { activeLow, loadMa } = wire;
  const idle = idleLevel(wire);
  const load = loadMa > 0 ? ({ loadMa, loadAt: activeLow ? 0 : 1 } as const) : {};
  const wired = (actuator: Actuator): LineWiring => ({ kind: "actuator", actuator, ...load });
  if (wire.model === "valve") {
    const valve = new ValveModel({ kind: "spring", activeLow, idle });
    drive((atUs) => valve.position(atUs));
    return { wiring: wired(valve.opening) };
  }
  if (wire.model === "fan") {
    const fan = new FanModel({ maxRpm: FAN_RPM, activeLow, idle });
    drive((atUs) => fan.share(atUs));
    return { wiring: wired(fan) };
  }
  if (wire.model === "led" || wire.model === "buzzer") {
    const lamp = new LoadModel({ activeLow, idle });
    drive(() => (lamp.on ? 1 : 0));
    return { wiring: wired(lamp) };
  }
  const relay = new RelayModel({ activeLow, idle, bounce: stream("bounce") });
  drive((atUs) => (relay.closed(atUs) ? 1 : 0));
  return { wiring: wired(relay), relay };
}

/** The line is at 1 while the contact's quantity is there, inverted by `activeLow` (docs/scenarios.md). */
export const contactLevel = ({ activeLow }: Wire, isThere: boolean): Level => (isThere !== activeLow ? 1 : 0);

function contactPart(context: PartContext): LinePart {
  const { wire, stream, quantity } = context;
  const level = quantity("level");
  const initial = contactLevel(wire, level(0) >= HALF);
  const contact: LevelSink & EdgeSource =
    wire.options.bounce === false ? new EdgeTimeline(initial) : new Contact(stream("contact"), initial);
  const wiring: LineWiring = { kind: "contact", contact };
  if (!wire.reads.level) return { wiring, contact };
  let last = level(0) >= HALF;
  const follow = (nowUs: number): void => {
    const closed = level(nowUs) >= HALF;
    if (closed === last) return;
    last = closed;
    contact.actuate(nowUs, contactLevel(wire, closed));
  };
  return { wiring, contact, follow };
}

/** Builds the part on a line. */
export function linePart(context: PartContext): LinePart {
  const { wire, quantity } = context;
  if (wire.model === "flow") {
    const pulses = new PulseOutput({ rateHz: quantity("hz") });
    return {
      wiring: { kind: "contact", contact: pulses.line },
      follow: (nowUs) => pulses.advanceTo(nowUs),
    };
  }
  if (wire.model === "pir") {
    const motion = quantity("level");
    const pir = new PirModel({ motion: (atUs) => motion(atUs) >= HALF });
    return { wiring: { kind: "contact", contact: pir.line }, follow: (nowUs) => pir.advanceTo(nowUs) };
  }
  return context.wire.model in CONTACTS ? contactPart(context) : actuatorPart(context);
}

const CONTACTS: Readonly<Record<string, true>> = { button: true, reed: true, float: true };
