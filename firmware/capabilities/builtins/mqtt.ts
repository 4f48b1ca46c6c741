/** mqtt.publish (capabilities.md 11): to the outbox with the settlement, never straight to the socket. */
import { canonicalSize } from "../../core/canonical-size.ts";
import { type Refusal, refusal } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, member } from "../../core/json.ts";
import { BUS_LIMITS } from "../../core/limits.ts";
import { checkGrounded } from "../../evidence/index.ts";
import type { Capability } from "../capability.ts";
import type { RunContext } from "../context.ts";
import { parseUri } from "../outputs/uris.ts";
import type { OutboxPort } from "../ports.ts";
import { publishTopic, type TopicOwner } from "../publish-topic.ts";
import {
  boolean,
  contract,
  integer,
  json,
  name,
  object,
  outputOf,
  plainTarget,
  text,
  textArg,
  undefinedTarget,
} from "./define.ts";

const publishContract = contract({
  id: "mqtt.publish",
  title: "Publish a message",
  class: "effect",
  params: object(
    {
      output: name,
      payload: json,
      subtopic: text(259),
      qos: { ...integer(0, 1), default: 1 },
      retain: { ...boolean, default: false },
    },
    ["subtopic", "qos", "retain"],
  ),
  result: object({ outboxId: text(64) }),
  topic: "output:{output}",
  action: "publish",
  evidence: [{ kind: "mqtt_publish", source: "output:{output}" }],
  costMilli: 2000,
  rate: { rps: 5, burst: 10 },
  timeoutMs: 1000,
  errors: ["topic_invalid", "topic_reserved", "topic_not_allowed"],
});

/** A payload with an `op` is a message that says something of the world: its claims need evidence of this run. */
function ungrounded({ policy, subject, evidence }: RunContext, { payload }: JsonObject): Refusal | null {
  const op = payload !== undefined && isJsonObject(payload) ? member(payload, "op") : undefined;
  if (typeof op !== "string" || payload === undefined || !isJsonObject(payload)) return null;
  const isStrict = Object.hasOwn(policy.subjects, subject) && policy.subjects[subject]?.strict === true;
  const checked = checkGrounded(op, member(payload, "bundle"), {
    resolve: (reference) => (typeof reference === "string" ? evidence.witness(reference) : undefined),
    tier: isStrict ? "strict" : "normal",
  });
  return checked.ok ? null : refusal(checked.reason, 412, checked.details);
}

export function mqttCapabilities(outbox: OutboxPort, owner: TopicOwner): readonly Capability[] {
  return [
    {
      contract: publishContract,
      resolve(ctx, args) {
        const wanted = textArg(args, "output") ?? "";
        const output = outputOf(ctx.policy, wanted);
        if (!output) return undefinedTarget("output", wanted, "effect", "publish");
        const address = parseUri(output.uri);
        const base = { uri: output.uri, action: "publish", class: "effect" as const, output };
        if (address?.scheme !== "mqtt") {
          const problem = refusal("output_mismatch", 422, { output: wanted, uri: output.uri });
          return plainTarget({ ...base, problem });
        }
        const size = canonicalSize(args.payload ?? null);
        const topic = publishTopic(owner, ctx.tier, address.topic, textArg(args, "subtopic"));
        const tooLarge =
          size > BUS_LIMITS.publishBytes
            ? refusal("value_out_of_range", 422, { limit: "payloadBytes", max: BUS_LIMITS.publishBytes })
            : null;
        return plainTarget({
          ...base,
          uri: topic.ok ? `mqtt://${address.broker}/${topic.topic}` : output.uri,
          netBytes: size,
          problem: topic.ok ? tooLarge : topic,
        });
      },
      ungrounded,
      rehearse: () => ({ outboxId: "dry-run" }),
      async perform({ ctx, args, target }) {
        const address = parseUri(target.uri);
        if (address?.scheme !== "mqtt") throw new Error(`${target.uri} is no MQTT address`);
        const payload = args.payload ?? null;
        const staged = outbox.stage(ctx.runId, {
          topic: address.topic,
          payload,
          qos: args.qos === 0 ? 0 : 1,
          retain: args.retain === true,
        });
        if ("code" in staged) return staged;
        ctx.staged.push(...staged.ops);
        return {
          result: { outboxId: staged.outboxId },
          evidence: [
            { kind: "mqtt_publish", source: target.uri, payload: { outboxId: staged.outboxId, payload } },
          ],
          netBytes: target.netBytes,
        };
      },
    },
  ];
}
