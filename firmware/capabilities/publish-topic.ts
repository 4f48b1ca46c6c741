/** Where mqtt.publish may write (capabilities.md 11). */
import { type Refusal, refusal } from "../core/errors.ts";
import { TOPIC_LIMITS } from "../core/limits.ts";
import type { Tier } from "../vm/types.ts";

const SEGMENT = /^[A-Za-z0-9_.-]{1,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const FORBIDDEN = /[+#\u0000-\u001f\u007f]/;

/** Whose device this is: its own topics start with `imu/v1/<fleet>/<device>`. */
export interface TopicOwner {
  readonly fleet: string;
  readonly device: string;
}

const isBelow = (topic: string, root: string): boolean => topic === root || topic.startsWith(`${root}/`);

/** The topic of an output plus its subtopic, or `topic_invalid`, `topic_reserved`, `topic_not_allowed`. */
export function publishTopic(
  owner: TopicOwner,
  tier: Tier,
  outputTopic: string,
  subtopic?: string,
): { readonly ok: true; readonly topic: string } | Refusal {
  const topic = subtopic === undefined ? outputTopic : `${outputTopic}/${subtopic}`;
  const extra = subtopic === undefined ? [] : subtopic.split("/");
  const invalid =
    extra.length > TOPIC_LIMITS.subtopicSegments ||
    !extra.every((segment) => SEGMENT.test(segment)) ||
    Buffer.byteLength(topic) > TOPIC_LIMITS.publishBytes ||
    FORBIDDEN.test(topic) ||
    topic.startsWith("$") ||
    topic.split("/").includes("");
  if (invalid) return refusal("topic_invalid", 422, { topic: topic.slice(0, TOPIC_LIMITS.publishBytes) });
  const own = `imu/v1/${owner.fleet}/${owner.device}`;
  const reserved = [
    ...["status", "cmd", "reply", "ota", "gossip"].map((name) => `${own}/${name}`),
    `imu/v1/${owner.fleet}/gossip`,
  ];
  if (reserved.some((root) => isBelow(topic, root))) return refusal("topic_reserved", 403, { topic });
  const open = topic.startsWith(`${own}/telemetry/`) || topic.startsWith(`${own}/event/`);
  return tier === "low" && !open ? refusal("topic_not_allowed", 403, { topic }) : { ok: true, topic };
}
