import { expect, test } from "vitest";
import { Alerts } from "../../firmware/composition/alerts.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import type { LedgerEvent } from "../../firmware/ledger/types.ts";
import { silentLog } from "../fleet/support.ts";
import { ManualClock } from "../support/manual-clock.ts";

function anAlertBook() {
  const clock = new ManualClock();
  const entries: LedgerEvent[] = [];
  const told: string[] = [];
  const ledger = {
    head: { size: 0, lastHash: "", lastTs: 0 },
    commit: async ({ events }: { readonly events: readonly LedgerEvent[] }) => {
      entries.push(...events);
      return [];
    },
  };
  const onAlert = ({ code }: { readonly code: string }): void => void told.push(code);
  const alerts = new Alerts({ ledger, clock, log: silentLog, onAlert });
  const missing = (resource: string): JsonObject => ({ resource, howTo: `enable ${resource}` });
  return { clock, entries, told, alerts, missing };
}

test("alerts about different resources are all recorded, although their code is the same", () => {
  const { entries, told, alerts, missing } = anAlertBook();

  for (const bus of ["bus:i2c:1", "bus:spi:0.0", "serial:ttyAMA0"])
    alerts.raise("resource_required", missing(bus));

  expect(entries.map(({ data }) => data.details)).toEqual(
    ["bus:i2c:1", "bus:spi:0.0", "serial:ttyAMA0"].map(missing),
  );
  expect(new Set(entries.map(({ data }) => data.alertId)).size).toBe(3);
  expect(told).toHaveLength(3);
});

test("an alert that is raised again is told and recorded once a minute, and stays the newest", async () => {
  const { clock, entries, told, alerts, missing } = anAlertBook();
  alerts.raise("resource_required", missing("bus:i2c:1"));
  alerts.raise("resource_required", missing("bus:spi:0.0"));

  await clock.advance(59_000);
  alerts.raise("resource_required", missing("bus:i2c:1"));

  expect(entries).toHaveLength(2);
  expect(told).toHaveLength(2);
  expect(alerts.recent.map(({ details }) => details.resource)).toEqual(["bus:spi:0.0", "bus:i2c:1"]);
  await clock.advance(2000);
  alerts.raise("resource_required", missing("bus:i2c:1"));
  expect(entries).toHaveLength(3);
});

test("a flood of one alert does not push the others out", () => {
  const { alerts, missing } = anAlertBook();
  alerts.raise("ledger_bad", { is: "new_epoch" });

  for (let i = 0; i < 1000; i++) alerts.raise("resource_required", missing("bus:i2c:1"));

  expect(alerts.recent.map(({ code }) => code)).toEqual(["ledger_bad", "resource_required"]);
});
