/** A device in this process, on the host's own platform. */
import type { Config } from "../../firmware/composition/config-schema.ts";
import { Device } from "../../firmware/composition/device.ts";
import { hostPlatform } from "../../firmware/composition/host-platform.ts";
import type { Log } from "../../firmware/ports/log.ts";

export const openDevice = (config: Config, log: Log): Promise<Device> =>
  Device.open(config, { platform: hostPlatform(config), log });
