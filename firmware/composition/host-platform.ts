/** The machine itself: its disk, clocks, buses and sockets. */
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { type BoardDefinition, resourceRequirement } from "../../boards/index.ts";
import { LinuxHardware, loadNativeModule, systemAccess } from "../../drivers/providers/index.ts";
import { createGreenhouseBoard } from "../../sim/index.ts";
import { clockSynchronised } from "../adapters/clock-sync.ts";
import { EmbeddedBroker } from "../adapters/embedded-broker.ts";
import { kernelBootId } from "../adapters/kernel-boot.ts";
import { finishRescue, forgetRescue, pendingRescue, rescueDatabase } from "../adapters/level-rescue.ts";
import { LevelStore } from "../adapters/level-store.ts";
import { mqttConnect } from "../adapters/mqtt-link.ts";
import type { MqttTls } from "../adapters/mqtt-socket.ts";
import { NodeFiles } from "../adapters/node-files.ts";
import { freeBytes, heapHeadroom } from "../adapters/resources.ts";
import { SystemClock } from "../adapters/system-clock.ts";
import { SystemEntropy } from "../adapters/system-entropy.ts";
import { LINK_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { BrokerConfig, Config } from "./config-schema.ts";
import type { BrokerAccess, OpenedHardware, Platform } from "./platform.ts";
import { readSecret } from "./secret-file.ts";

/** Real buses or, only when the configuration says `board: sim`, the simulated greenhouse. */
function openHardware(
  board: BoardDefinition,
  config: Config,
  parts: { readonly clock: Clock; readonly entropy: Entropy; readonly user: string },
): OpenedHardware {
  const { clock, entropy, user } = parts;
  if (board.id === "sim") {
    const seed = config.sim ? { seed: config.sim.seed } : {};
    const greenhouse = createGreenhouseBoard({ clock, entropy, ...seed });
    return { hardware: greenhouse.hardware, greenhouse };
  }
  const hardware = new LinuxHardware({
    board,
    clock,
    system: systemAccess(),
    loadModule: loadNativeModule,
    requirement: (need, node) => {
      const verdict = resourceRequirement(need, { board, user, node });
      return verdict.kind === "missing" ? verdict.requirement : null;
    },
  });
  return { hardware, greenhouse: null };
}

async function tlsOf(config: BrokerConfig, host: string, files: Files): Promise<MqttTls> {
  return {
    ...(config.caFile ? { ca: await readFile(config.caFile, "utf8") } : {}),
    ...(config.certFile ? { cert: await readFile(config.certFile, "utf8") } : {}),
    ...(config.keyFile ? { key: await readSecret(files, config.keyFile) } : {}),
    servername: config.serverName ?? host,
  };
}

async function openBroker(
  config: BrokerConfig,
  parts: { readonly files: Files; readonly clock: Clock; readonly log: Log },
): Promise<BrokerAccess> {
  let broker: EmbeddedBroker | null = null;
  let url = new URL(config.url ?? "mqtt://127.0.0.1");
  if (config.embedded) {
    broker = new EmbeddedBroker({
      log: parts.log.child({ part: "broker" }),
      ...config.embedded,
      maxPacketBytes: LINK_LIMITS.packetBytes,
    });
    const { host, port } = await broker.start();
    url = new URL(`mqtt://${host}:${port}`);
  }
  const secure = url.protocol === "mqtts:";
  const tls = secure ? { tls: await tlsOf(config, url.hostname, parts.files) } : {};
  const endpoint = { host: url.hostname, port: Number(url.port) || (secure ? 8883 : 1883), ...tls };
  return {
    connect: mqttConnect(endpoint, parts.clock),
    address: url.href,
    embedded: broker !== null,
    [Symbol.asyncDispose]: async () => broker?.[Symbol.asyncDispose](),
  };
}

/** @param config decides only whether the board is the simulated one. */
export function hostPlatform(config: Config): Platform {
  const files = new NodeFiles();
  const entropy = new SystemEntropy();
  const user = userInfo().username;
  return {
    simulated: config.board === "sim",
    files,
    entropy,
    user,
    kernelBootId: kernelBootId(),
    freeBytes,
    heapHeadroom,
    openStore: (directory) => LevelStore.open(directory, { create: true }),
    rescue: {
      run: rescueDatabase,
      finish: finishRescue,
      pending: pendingRescue,
      forget: forgetRescue,
    },
    openClock: ({ floorMs, trust }) =>
      new SystemClock({ entropy, floorMs, synchronised: clockSynchronised(trust) }),
    openHardware: (board, given, clock) => openHardware(board, given, { clock, entropy, user }),
    openBroker: (broker, { clock, log }) => openBroker(broker, { files, clock, log }),
  };
}
