/** MQTT topic names and filters (MQTT 5.0, section 4.7). */
import { utf8 } from "./bytes.ts";
import { TOPIC_LIMITS } from "./limits.ts";

/** A name one can publish to: 1..1024 bytes, no wildcard, no NUL. */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && utf8(topic).length <= TOPIC_LIMITS.topicBytes && !/[+#\0]/.test(topic);
}

/** A filter one can subscribe to: wildcards occupy whole levels, `#` only the last. */
export function isTopicFilter(filter: string): boolean {
  if (filter.length === 0 || utf8(filter).length > TOPIC_LIMITS.topicBytes || filter.includes("\0"))
    return false;
  const levels = filter.split("/");
  return levels.every(
    (level, index) => !/[+#]/.test(level) || level === "+" || (level === "#" && index === levels.length - 1),
  );
}

/** Whether a filter selects a topic; a leading wildcard does not select topics that begin with `$`. */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === "#") return true;
    if (i >= levels.length || (wanted[i] !== "+" && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
