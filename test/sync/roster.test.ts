import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { activeMembers, documentRule, readRoster } from "../../firmware/sync/index.ts";
import { rosterDocument, rosterOf } from "./fleet.ts";

const read = (document: unknown) => readRoster(utf8(JSON.stringify(document)));

describe("the roster", () => {
  it("names devices, documents and who may write them", () => {
    const roster = rosterOf(["dev-a", "dev-b"]);
    expect(activeMembers(roster)).toEqual(["dev-a", "dev-b"]);
    expect(documentRule(roster, "device/dev-b/state")).toMatchObject({
      owner: "dev-b",
      rule: { writers: "self" },
    });
    expect(documentRule(roster, "device/dev-b/other")).toBeNull();
    expect(documentRule(roster, "device/<id>/state")).toBeNull();
  });

  it("leaves out of the active members whoever is revoked or dormant", () => {
    const overrides = { "dev-b": { status: "revoked", revokedAfter: {} } };
    expect(activeMembers(rosterOf(["dev-a", "dev-b"], 1, overrides))).toEqual(["dev-a"]);
  });

  const good = rosterDocument(["dev-a", "dev-b"]);
  const [device] = good.devices;
  const [document] = good.documents;
  it.each([
    ["an unknown member", { ...good, extra: 1 }],
    ["another schema", { ...good, schema: "imu.roster/2" }],
    ["a repeated device", { ...good, devices: [device, device] }],
    ["a key id of another key", { ...good, devices: [{ ...device, keyId: "0".repeat(64) }] }],
    ["a revoked device without its cut", { ...good, devices: [{ ...device, status: "revoked" }] }],
    ["an unknown document type", { ...good, documents: [{ ...document, type: "blob" }] }],
    ["a negative limit", { ...good, documents: [{ ...document, maxEntries: -1 }] }],
    ["a fractional version", { ...good, version: 1.5 }],
  ])("is refused with %s", (_, hostile) => {
    expect(() => read(hostile)).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});
