import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyPairFromPem } from "../../firmware/core/ed25519.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { atRest, deviceFolder } from "./device-folder.ts";
import { Operator } from "./operator.ts";
import { TestBroker } from "./test-broker.ts";

test("a signed command is recorded as its operator's act, and its receipt names that entry", async () => {
  await using folder = await TemporaryFolder.create();
  await using broker = await TestBroker.start();
  await deviceFolder(folder.path, { broker: { url: broker.url } });
  const operator = await Operator.of(broker, folder.path);
  await using daemon = await Daemon.start(folder.path);
  await until("the device is online", () => broker.received.some(({ topic }) => topic.endsWith("/status")));

  const done = await operator.send("run.start", { program: "climate" });
  const odd = await operator.send("run.start", { program: "no such program\n" });
  await until("both receipts", () => operator.receipts.has(done) && operator.receipts.has(odd));
  await daemon.end("SIGTERM");

  const [receipt] = operator.receipts.get(done) ?? [];
  expect(receipt).toMatchObject({ outcome: "done", code: "ok", status: 200 });
  expect(operator.receipts.get(odd)).toMatchObject([
    { outcome: "refused", code: "unknown_program", status: 404 },
  ]);
  const key = keyPairFromPem(await readFile(join(folder.path, "operator", "operator.key"), "utf8"));
  const { report, entries } = await atRest(folder.path);
  expect(report.ok).toBe(true);
  const named = entries[receipt?.ledger?.seq ?? -1];
  expect(named?.hash).toBe(receipt?.ledger?.hash);
  expect(named?.entry.event).toMatchObject({
    kind: "command",
    actor: `operator:${keyIdOf(key.publicKeyHex)}`,
    data: { commandId: done, op: "run.start" },
  });
  const refused = entries.find(({ entry }) => entry.event.kind === "guard_refused")?.entry.event;
  expect(refused).toMatchObject({
    actor: "daemon",
    data: { program: "no such program\n", code: "unknown_program" },
  });
});
