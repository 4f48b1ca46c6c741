/** Puts a release on the broker for one device: all chunks first, then the offer that makes them wanted. */
import type { MessageBus } from "../../firmware/ports/message-bus.ts";
import { CHUNK_BYTES, chunkCount, otaTopics } from "../transport/topics.ts";
import type { BuiltRelease } from "./build.ts";

/** Resolves when the broker has everything. @throws CodedError `topic_invalid`; the bus's errors. */
export async function publishRelease(
  bus: MessageBus,
  release: Pick<BuiltRelease, "releaseHash" | "statementBytes" | "bundle">,
  to: { readonly fleet: string; readonly device: string },
  signal?: AbortSignal,
): Promise<{ readonly chunks: number }> {
  const topics = otaTopics(to.fleet, to.device);
  const { bundle, releaseHash, statementBytes } = release;
  const chunks = chunkCount(bundle.length);
  for (let index = 0; index < chunks; index++) {
    const chunk = bundle.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    await bus.publish(topics.chunk(releaseHash, index), chunk, { qos: 1, retain: true }, signal);
  }
  await bus.publish(topics.offer, statementBytes, { qos: 1, retain: true }, signal);
  return { chunks };
}

/** Removes what `publishRelease` left on the broker. */
export async function withdrawRelease(
  bus: MessageBus,
  release: { readonly releaseHash: string; readonly bundleLength: number },
  to: { readonly fleet: string; readonly device: string },
  signal?: AbortSignal,
): Promise<void> {
  const topics = otaTopics(to.fleet, to.device);
  const nothing = new Uint8Array();
  await bus.publish(topics.offer, nothing, { qos: 1, retain: true }, signal);
  for (let index = 0; index < chunkCount(release.bundleLength); index++) {
    await bus.publish(topics.chunk(release.releaseHash, index), nothing, { qos: 1, retain: true }, signal);
  }
}
