/** What one sender, and all of them together, may cost this device (sync.md 4.5). */
import { PEER_LIMITS } from "../core/limits.ts";
import { TokenBucket, takeAll } from "../core/token-bucket.ts";

interface Peer {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  invalid: number[];
  drops: number[];
  level: number;
  mutedUntil: number;
  cleanSince: number;
}

export type Admission = "ok" | "rate_limited" | "muted";

export class PeerLimits {
  readonly #all: TokenBucket;
  readonly #peers = new Map<string, Peer>();

  constructor(monoMs: number) {
    this.#all = new TokenBucket(PEER_LIMITS.all, monoMs);
  }

  #peer(sender: string, monoMs: number): Peer {
    const known = this.#peers.get(sender);
    if (known) return known;
    if (this.#peers.size >= PEER_LIMITS.maxPeers) {
      const idle = [...this.#peers].find(
        ([, peer]) => peer.messages.isFull(monoMs) && peer.mutedUntil <= monoMs,
      );
      this.#peers.delete(idle?.[0] ?? this.#peers.keys().next().value ?? "");
    }
    const peer: Peer = {
      messages: new TokenBucket(PEER_LIMITS.messages, monoMs),
      bytes: new TokenBucket(PEER_LIMITS.bytes, monoMs),
      invalid: [],
      drops: [],
      level: 0,
      mutedUntil: 0,
      cleanSince: monoMs,
    };
    this.#peers.set(sender, peer);
    return peer;
  }

  /** Takes from all buckets or from none. */
  admit(sender: string, bytes: number, monoMs: number): Admission {
    const peer = this.#peer(sender, monoMs);
    if (peer.mutedUntil > monoMs) return "muted";
    const taken = takeAll(
      [
        { scope: "peer", bucket: peer.messages, n: 1 },
        { scope: "peer_bytes", bucket: peer.bytes, n: bytes },
        { scope: "global", bucket: this.#all, n: 1 },
      ],
      monoMs,
    );
    if (taken.ok) return "ok";
    this.#count(peer, peer.drops, PEER_LIMITS.dropsPerWindow, monoMs);
    return "rate_limited";
  }

  /** Counts an invalid message; true when it mutes the sender. */
  reportInvalid(sender: string, monoMs: number): boolean {
    const peer = this.#peer(sender, monoMs);
    return this.#count(peer, peer.invalid, PEER_LIMITS.invalidPerWindow, monoMs);
  }

  #count(peer: Peer, times: number[], limit: number, monoMs: number): boolean {
    const cleanHours = Math.floor((monoMs - peer.cleanSince) / 3_600_000);
    peer.level = Math.max(0, peer.level - cleanHours);
    peer.cleanSince = monoMs;
    times.push(monoMs);
    while (times[0] !== undefined && times[0] <= monoMs - PEER_LIMITS.windowMs) times.shift();
    if (times.length < limit) return false;
    times.length = 0;
    peer.mutedUntil = monoMs + Math.min(PEER_LIMITS.maxMuteMs, PEER_LIMITS.muteMs * 2 ** peer.level);
    peer.level++;
    return true;
  }
}
