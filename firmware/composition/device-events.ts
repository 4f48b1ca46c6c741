/** What happens on a device, for whoever watches it: the terminal, the fleet link, updates. Nobody has to. */
import type { OtaNotice } from "../../ota/index.ts";
import type { JsonObject } from "../core/json.ts";
import type { RunRequest, RunResult } from "../runs/index.ts";
import type { Alert } from "./alerts.ts";

export type DeviceEvents = {
  /** A run that ended, or a trigger that was refused. */
  readonly run: { readonly result: RunResult; readonly request: RunRequest };
  readonly alert: Alert;
  /** Outputs were driven to their safe states. */
  readonly safe: { readonly driven: readonly JsonObject[]; readonly reason: string };
  readonly update: OtaNotice;
};
