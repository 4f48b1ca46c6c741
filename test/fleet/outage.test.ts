import { it } from "vitest";
import { EmbeddedBroker } from "../../firmware/adapters/embedded-broker.ts";
import { surviveOutage } from "./outage.ts";
import { silentLog } from "./support.ts";

it("loses nothing and keeps the order while the embedded broker is away", { timeout: 40_000 }, async () => {
  let broker = new EmbeddedBroker({ log: silentLog });
  const endpoint = await broker.start();
  try {
    await surviveOutage({
      endpoint,
      credentials: () => ({}),
      stop: () => broker[Symbol.asyncDispose](),
      restart: async () => {
        broker = new EmbeddedBroker({ log: silentLog, port: endpoint.port });
        await broker.start();
      },
    });
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});
