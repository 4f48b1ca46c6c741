import { expect, it } from "vitest";
import { DEVICE, FLEET } from "../fleet/device.ts";
import { surviveOutage } from "../fleet/outage.ts";
import { MosquittoBroker, missingPrograms } from "./mosquitto-broker.ts";

const missing = missingPrograms();

it.skipIf(missing.length > 0)(
  "loses nothing and keeps the order when Mosquitto is killed and comes back",
  { timeout: 40_000 },
  async () => {
    await using broker = new MosquittoBroker();
    await broker.start(FLEET, DEVICE);
    expect(broker.port).toBeGreaterThan(0);
    await surviveOutage({
      endpoint: { host: "127.0.0.1", port: broker.port, tls: { ca: broker.ca } },
      credentials: (user) => ({ username: user, password: user }),
      stop: () => broker.kill(),
      restart: () => broker.resume(),
    });
  },
);
