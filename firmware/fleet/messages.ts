/** Bodies of what a device says by itself: canonical JSON, each with an id by which receivers drop duplicates. */
import { jcs } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";

export interface DeviceIdentity {
  readonly id: string;
  readonly bootId: string;
  /** True if any hardware of the device is simulated. */
  readonly simulated: boolean;
}

/** State of a device as its retained `status` tells it. */
export interface StatusView {
  readonly state: "starting" | "online" | "degraded" | "stopping";
  readonly challenge: string;
  readonly policyHash: string | null;
  readonly programs: readonly string[];
  readonly ledger: { readonly size: number; readonly hash: string };
}

export const statusMessage = (device: DeviceIdentity, view: StatusView, atWallMs: number): Uint8Array =>
  jcs({
    schema: "imu.status/1",
    device: device.id,
    boot: device.bootId,
    sim: device.simulated,
    at: atWallMs,
    state: view.state,
    challenge: view.challenge,
    policyHash: view.policyHash,
    programs: view.programs,
    ledger: view.ledger,
  });

/** The last will: written before the link exists, so it carries no time. */
export const offlineMessage = (device: DeviceIdentity): Uint8Array =>
  jcs({
    schema: "imu.status/1",
    device: device.id,
    boot: device.bootId,
    sim: device.simulated,
    state: "offline",
  });

export const eventMessage = (
  device: DeviceIdentity,
  id: string,
  name: string,
  atWallMs: number,
  data: JsonObject,
): Uint8Array =>
  jcs({
    schema: "imu.event/1",
    id,
    device: device.id,
    boot: device.bootId,
    sim: device.simulated,
    name,
    at: atWallMs,
    data,
  });

export const telemetryMessage = (
  device: DeviceIdentity,
  id: string,
  name: string,
  atWallMs: number,
  data: JsonObject,
): Uint8Array =>
  jcs({
    schema: "imu.telemetry/1",
    id,
    device: device.id,
    boot: device.bootId,
    sim: device.simulated,
    name,
    at: atWallMs,
    data,
  });
