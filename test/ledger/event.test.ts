import { describe, expect, it } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { codeOf } from "../../firmware/core/errors.ts";
import { eventText, LEDGER_KINDS, type LedgerEvent, redact } from "../../firmware/ledger/index.ts";
import { event } from "./fixture.ts";

const codeFor = (value: unknown): string => {
  try {
    eventText(value as LedgerEvent, false);
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
};

describe("events", () => {
  it("have the canonical text of the whole event, with and without every optional member", () => {
    const full: LedgerEvent = {
      ...event(1),
      actor: "program:heizung-übersicht",
      runId: "run-7",
      traceId: "t-1",
      refs: ["ab".repeat(32)],
    };
    expect(eventText(event(1), false)).toBe(canonicalize(event(1)));
    expect(eventText(full, false)).toBe(canonicalize(full));
    expect(eventText(full, true)).toBe(canonicalize({ ...full, sim: true }));
  });

  it("are refused with ledger_bad_event for whatever is not an event", () => {
    const good = event(1);
    const bad: unknown[] = [
      null,
      [],
      { ...good, kind: "toString" },
      { ...good, actor: "root" },
      { ...good, actor: "peer:a b" },
      { ...good, severity: "warning" },
      { ...good, data: [] },
      { ...good, data: { x: Number.NaN } },
      { ...good, data: { x: undefined } },
      { ...good, data: { x: "\ud800" } },
      { ...good, data: { x: "é".repeat(4096) } },
      { ...good, extra: 1 },
      { ...good, refs: ["short"] },
      { ...good, refs: Array.from({ length: 65 }, () => "ab".repeat(32)) },
      { ...good, runId: "" },
      { ...good, sim: true },
    ];
    for (const value of bad)
      expect(codeFor(value), JSON.stringify(value)?.slice(0, 60)).toBe("ledger_bad_event");
    expect(codeFor({ ...good, data: { x: "e".repeat(8184) } })).toBe("accepted");
    expect(codeFor({ ...good, data: { x: "e".repeat(8185) } })).toBe("ledger_bad_event");
  });

  it("come from a closed table without repeated kinds", () => {
    expect(LEDGER_KINDS.size).toBe(101);
  });

  it("hide secrets behind digests that only the same secret shares", () => {
    const key = new Uint8Array(32).fill(3);
    const data = { a: { "x/y": "secret" }, list: ["secret", "other"], open: 1 };
    const hidden = redact(data, ["/a/x~1y", "/list/0", "/absent/deep"], key) as typeof data;
    expect(hidden.open).toBe(1);
    expect(hidden.a["x/y"]).toEqual(hidden.list[0]);
    expect(canonicalize(hidden)).not.toContain("secret");
    expect(redact(data, ["/list/0"], new Uint8Array(32))).not.toEqual(redact(data, ["/list/0"], key));
  });
});
