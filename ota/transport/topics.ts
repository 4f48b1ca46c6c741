/** Topics and sizes of updates over MQTT. All messages are retained: a device may come back after days. */
import { CodedError } from "../../firmware/core/errors.ts";
import { RELEASE_LIMITS } from "../../firmware/core/limits.ts";

/** Bytes of every chunk but the last. */
export const CHUNK_BYTES = RELEASE_LIMITS.chunkBytes;

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export interface OtaTopics {
  /** The statement that offers a release. */
  readonly offer: string;
  /** The device's own answer: state, candidate, reason. */
  readonly status: string;
  chunk(sha256: string, index: number): string;
  /** All chunks of one bundle. */
  chunks(sha256: string): string;
  /** Index of a chunk topic of this bundle; null for any other topic. */
  indexOf(sha256: string, topic: string): number | null;
}

/** @throws CodedError `topic_invalid` (422) for an id that is not one. */
export function otaTopics(fleet: string, device: string): OtaTopics {
  for (const id of [fleet, device]) {
    if (!ID.test(id))
      throw new CodedError("topic_invalid", `"${id.slice(0, 64)}" is not a valid id.`, { status: 422 });
  }
  const root = `imu/v1/${fleet}/${device}/ota`;
  return {
    offer: `${root}/offer`,
    status: `${root}/status`,
    chunk: (sha256, index) => `${root}/chunk/${sha256}/${index}`,
    chunks: (sha256) => `${root}/chunk/${sha256}/+`,
    indexOf: (sha256, topic) => {
      const prefix = `${root}/chunk/${sha256}/`;
      const text = topic.startsWith(prefix) ? topic.slice(prefix.length) : "";
      return /^(0|[1-9][0-9]{0,5})$/.test(text) ? Number(text) : null;
    },
  };
}

export const chunkCount = (length: number): number => Math.ceil(length / CHUNK_BYTES);

/** Bytes that the chunk at this index must have. */
export const chunkLength = (length: number, index: number): number =>
  Math.max(0, Math.min(CHUNK_BYTES, length - index * CHUNK_BYTES));
