/** Every topic of this version (DESIGN 7). Ids hold no `/`, `+`, `#`, so a topic has exactly one reading. */
import { CodedError } from "../core/errors.ts";

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Fleet and device ids: 1 to 64 of a-z, 0-9, dot, underscore, hyphen, beginning with a letter or digit. */
export const isFleetId = (text: string): boolean => ID.test(text);

function checked(what: string, id: string): string {
  if (ID.test(id)) return id;
  throw new CodedError("topic_invalid", `"${id.slice(0, 64)}" is not a valid ${what}.`, { status: 422 });
}

export interface DeviceTopics {
  /** Retained, last will. */
  readonly status: string;
  readonly command: string;
  reply(commandId: string): string;
  telemetry(name: string): string;
  event(name: string): string;
  /** Whether an answer may be published there: this device's own replies or the fleet's controllers' inboxes. */
  mayReplyTo(topic: string): boolean;
}

/** @throws CodedError `topic_invalid` (422) for an id that is not one, here and in each method. */
export function deviceTopics(fleet: string, device: string): DeviceTopics {
  const fleetRoot = `imu/v1/${checked("fleet id", fleet)}`;
  const root = `${fleetRoot}/${checked("device id", device)}`;
  return {
    status: `${root}/status`,
    command: `${root}/cmd`,
    reply: (commandId) => `${root}/reply/${checked("command id", commandId)}`,
    telemetry: (name) => `${root}/telemetry/${checked("telemetry name", name)}`,
    event: (name) => `${root}/event/${checked("event name", name)}`,
    mayReplyTo: (topic) =>
      [`${root}/reply/`, `${fleetRoot}/reply/`].some(
        (prefix) =>
          topic.startsWith(prefix) &&
          topic
            .slice(prefix.length)
            .split("/")
            .every((level) => ID.test(level)),
      ),
  };
}

/** What a controller subscribes to for all commands of one device, gossip excluded. */
export const fleetTopics = (fleet: string) => {
  const root = `imu/v1/${checked("fleet id", fleet)}`;
  return { gossip: `${root}/gossip`, allStatus: `${root}/+/status` };
};
