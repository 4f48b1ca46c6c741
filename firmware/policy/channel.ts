/** Channels: named latency and evidence floors that a program picks and the policy lists (policy.md 7). */
import { type Refusal, refusal } from "../core/errors.ts";
import { channelTable } from "./defaults.ts";

export interface Channel {
  readonly p95Ms: number;
  readonly minDistinctSources: number;
  readonly minTotalTrust: number;
}

/** The evidence floor that the section around the channel already demands. */
export interface ChannelSection {
  readonly minDistinctSources?: number;
  readonly minTotalTrust?: number;
}

type ChannelName = keyof typeof channelTable;
const isChannel = (name: string): name is ChannelName => Object.hasOwn(channelTable, name);

/** The floors of a channel. Refused with `unknown_channel` (422) if it does not exist or the policy lacks it. */
export function resolveChannel(
  name: string,
  section: ChannelSection,
  options: { readonly strict: boolean; readonly listed?: readonly string[] },
): ({ readonly ok: true } & Channel) | Refusal {
  const allowed = Object.keys(channelTable).filter((key) => options.listed?.includes(key) ?? true);
  if (!isChannel(name) || !allowed.includes(name)) {
    return refusal("unknown_channel", 422, { value: name, allowed });
  }
  const { p95Ms, minTotalTrust } = channelTable[name];
  const strict = options.strict ? 2 : 0;
  return {
    ok: true,
    p95Ms,
    minDistinctSources: Math.max(section.minDistinctSources ?? 1, strict, 1),
    minTotalTrust: Math.max(section.minTotalTrust ?? 1, minTotalTrust, strict),
  };
}
