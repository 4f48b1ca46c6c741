import type { RawExpectation, RawScenario } from "./raw-scenario.ts";
import type { Reader } from "./reader.ts";
import type { Expectation } from "./types.ts";

const KINDS = ["always", "eventually", "by", "never", "count"] as const;

function readOne(raw: RawExpectation, index: number, endUs: number, reader: Reader): Expectation {
  const path = `/expect/${index}`;
  const said = KINDS.filter((kind) => raw[kind] !== undefined);
  if (said.length !== 1) reader.refuse(path, `needs exactly one of ${KINDS.join(", ")}`);
  if ((raw.by === undefined) !== (raw.that === undefined))
    reader.refuse(path, '"by" and "that" belong together');
  if (raw.always === undefined && (raw.from !== undefined || raw.until !== undefined))
    reader.refuse(path, '"from" and "until" belong to "always"');
  if (raw.always !== undefined) {
    const fromUs = reader.duration(raw.from, 0, `${path}/from`);
    const untilUs = reader.duration(raw.until, endUs, `${path}/until`);
    const condition = reader.condition(raw.always, `${path}/always`);
    return { index, text: raw.always, kind: "always", condition, fromUs, untilUs };
  }
  if (raw.eventually !== undefined) {
    const condition = reader.condition(raw.eventually, `${path}/eventually`);
    return { index, text: raw.eventually, kind: "eventually", condition };
  }
  if (raw.that !== undefined) {
    const atUs = reader.duration(raw.by, 0, `${path}/by`);
    if (atUs > endUs) reader.refuse(`${path}/by`, "this is after the end of the scenario");
    return { index, text: raw.that, kind: "by", atUs, condition: reader.condition(raw.that, `${path}/that`) };
  }
  if (raw.never) {
    const { event, device } = raw.never;
    const devices = reader.selected(device, `${path}/never/device`);
    return { index, text: `never ${event}`, kind: "never", event, devices };
  }
  const { event = "", device, atLeast = 0, atMost = null } = raw.count ?? {};
  if (raw.count?.atLeast === undefined && atMost === null)
    reader.refuse(`${path}/count`, 'needs "atLeast" or "atMost"');
  if (atMost !== null && atMost < atLeast) reader.refuse(`${path}/count`, '"atMost" is below "atLeast"');
  const devices = reader.selected(device, `${path}/count/device`);
  return { index, text: `count ${event}`, kind: "count", event, devices, atLeast, atMost };
}

export function readExpect(raw: RawScenario, endUs: number, reader: Reader): readonly Expectation[] {
  return raw.expect.map((one, index) => readOne(one, index, endUs, reader));
}
