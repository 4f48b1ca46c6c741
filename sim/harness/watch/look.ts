/** One look at a device that runs: its pins, parts, world, outputs, evidence and ledger, without touching any of them. */
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import { readRunEvidence } from "../../../firmware/evidence/index.ts";
import { LedgerReader } from "../../../firmware/ledger/index.ts";
import type { Level } from "../../../firmware/ports/hardware.ts";
import type { Store } from "../../../firmware/ports/store.ts";
import { LcdBackpackModel } from "../../devices/lcd-backpack.ts";
import { Ssd1306Model } from "../../devices/ssd1306.ts";
import { busOfAlternate } from "../../scenario/boards.ts";
import type { Wire } from "../../scenario/types.ts";
import { NODE_KINDS } from "../../world/nodes/kinds.ts";
import type { NodeKind } from "../../world/nodes/node.ts";
import { activeLowLines } from "../invariants/policy-view.ts";
import type { Member, Sim } from "../sim.ts";
import type {
  BusView,
  DisplayView,
  EvidenceView,
  LedgerView,
  OutputView,
  PinView,
  WatchView,
} from "./view.ts";
import type { Watcher } from "./watcher.ts";

const HEADER_PINS = 40;
const POWER: Readonly<Record<number, string>> = { 1: "3V3", 2: "5V", 4: "5V", 17: "3V3" };
const LEDGER_LINES = 6;
const EVIDENCE_LINES = 6;
const GPIO = /^gpio:\/\/[^/]+\/(\d+)$/;
const WORLD_LINES = 40;

function contactLevel(member: Member, line: number, nowUs: number): Level | null {
  const wiring = member.board.wiring.gpio.get(line);
  return wiring?.kind === "contact" ? wiring.contact.levelAt(nowUs) : null;
}

function pinsOf(member: Member, nowUs: number): readonly PinView[] {
  const { board, group } = member;
  const byPin = new Map(board.definition.lines.map((line) => [line.headerPin, line]));
  const onLine = (line: number): Wire | undefined =>
    group.wiring.find(({ place }) => place.bus === "gpio" && place.line === line);
  return Array.from({ length: HEADER_PINS }, (_, index): PinView => {
    const pin = index + 1;
    const line = byPin.get(pin);
    if (!line) return { pin, name: POWER[pin] ?? "GND", level: null, direction: null, wired: null };
    const wire = onLine(line.line);
    const bus = busOfAlternate(line.alternate);
    const isOnBus = bus !== null && group.wiring.some(({ target }) => bus.test(target.split("/")[0] ?? ""));
    const driven = board.levelOf(line.line);
    const level = driven ?? contactLevel(member, line.line, nowUs);
    return {
      pin,
      name: line.name,
      level,
      direction: driven !== null ? "out" : level !== null ? "in" : null,
      wired: wire?.model ?? (isOnBus ? (line.alternate ?? null) : null),
    };
  });
}

const busesOf = (member: Member, { transfers }: Watcher): readonly BusView[] =>
  member.group.wiring.flatMap(({ model, place, target }) => {
    if (place.bus === "gpio") return [];
    const seen = transfers.get(target) ?? transfers.get(target.split("/")[0] ?? "");
    return [
      {
        part: `${target} ${model}`,
        last: seen?.last ?? null,
        atUs: seen?.atUs ?? null,
        transfers: seen?.count ?? 0,
        errors: seen?.errors ?? 0,
      },
    ];
  });

function outputsOf(member: Member, { refusals }: Watcher): readonly OutputView[] {
  const { board, observer, device } = member;
  const policy = device.isRunning ? device.daemon.parts.runs.set.policy.outputs : [];
  const inverted = activeLowLines(observer.config);
  return policy.map(({ name, uri, safe }) => {
    const line = Number(GPIO.exec(uri)?.[1] ?? -1);
    const level = line < 0 ? null : board.levelOf(line);
    const value = level === null ? null : inverted.has(line) ? ((1 - level) as Level) : level;
    const plain: Json = typeof safe === "object" ? { ...safe } : safe;
    return { name, uri, value, safe: plain, refusal: refusals.get(name) ?? null };
  });
}

const kindOf = (kind: keyof typeof NODE_KINDS): NodeKind => NODE_KINDS[kind];

/** What is computed, and what parts drive; parameters stand in the scenario. */
function worldOf(sim: Sim, device: string): WatchView["world"] {
  return sim.scenario.world.nodes
    .filter(({ name }) => !name.includes("@") || name.endsWith(`@${device}`))
    .flatMap(({ name, kind }) =>
      Object.entries(sim.world.node(name)).flatMap(([field, value]) => {
        const isShown = sim.world.isComputed(`${name}.${field}`) || kindOf(kind).drivable.includes(field);
        return isShown ? [{ name: `${name.split("@")[0]}.${field}`, value }] : [];
      }),
    )
    .slice(0, WORLD_LINES);
}

async function evidenceOf(store: Store, runId: string | null): Promise<readonly EvidenceView[]> {
  if (runId === null) return [];
  const list = (await readRunEvidence(store, runId)).map(({ id, body }): EvidenceView => {
    const payload = isJsonObject(body.payload ?? null) ? (body.payload as JsonObject) : {};
    return { kind: body.kind, source: body.source, id, value: payload.value ?? payload.effect ?? null };
  });
  const shown = list.filter(({ kind }) => OBSERVED.test(kind));
  return shown.slice(0, EVIDENCE_LINES);
}

/** Kinds that say what was seen, done and decided; the others keep books. */
const OBSERVED = /reading|read$|write|publish|guard|edge/;

async function ledgerOf(store: Store): Promise<WatchView["ledger"]> {
  try {
    const reader = await LedgerReader.open(store);
    const { size } = reader.head;
    const last: LedgerView[] = [];
    for await (const { index, entry } of reader.entries(Math.max(0, size - LEDGER_LINES), size))
      last.push({ index, kind: entry.event.kind, text: JSON.stringify(entry.event.data) });
    return { size, last };
  } catch {
    // Before the first entry, or while an injected fault holds its head: there is nothing to show.
    return { size: 0, last: [] };
  }
}

const displaysOf = ({ board }: Member): readonly DisplayView[] =>
  [...board.wiring.i2c].flatMap(([bus, targets]) =>
    [...targets].flatMap(([address, target]): readonly DisplayView[] => {
      const at = `i2c-${bus}/0x${address.toString(16)}`;
      if (target instanceof Ssd1306Model) return [{ part: `${at} ssd1306`, lines: target.textArt() }];
      if (target instanceof LcdBackpackModel) return [{ part: `${at} hd44780`, lines: target.lines() }];
      return [];
    }),
  );

/** Between two events of the simulation. */
export async function lookAt(sim: Sim, watcher: Watcher, endUs: number): Promise<WatchView> {
  const { member } = watcher;
  const { device, observer, group } = member;
  const { nowUs } = sim.time;
  sim.world.advanceTo(nowUs);
  const parts = device.isRunning ? device.daemon.parts : null;
  const store = observer.store();
  return {
    simulated: true,
    scenario: sim.scenario.name,
    seed: sim.seed,
    atUs: nowUs,
    endUs,
    device: device.name,
    devices: [...sim.members.keys()],
    board: group.board,
    state: parts?.boot.state ?? (device.isPowered ? "starting" : "no power"),
    boots: device.boots,
    policy: parts ? `${parts.runs.set.policy.id} v${parts.runs.set.policy.version}` : "none",
    link: parts ? { state: parts.link.bus.state, outbox: parts.fleet.outbox.stats.depth } : null,
    pins: pinsOf(member, nowUs),
    buses: busesOf(member, watcher),
    world: worldOf(sim, device.name),
    outputs: outputsOf(member, watcher),
    readings: [...watcher.readings.values()],
    run: watcher.run,
    evidence: await evidenceOf(store, watcher.runId),
    ledger: await ledgerOf(store),
    displays: displaysOf(member),
    faults: [...watcher.faults],
    violations: sim.violations.all.map(({ id, what }) => `${id} ${what}`),
  };
}
