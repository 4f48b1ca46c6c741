/** The stream under an MQTT connection: no Nagle delay, verified TLS, inbound packets bounded before they are buffered. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface MqttTls {
  /** PEM certificates that may sign the broker's; without it the system's authorities are used. */
  readonly ca?: string;
  /** PEM client certificate and key for mutual TLS. */
  readonly cert?: string;
  readonly key?: string;
  /** Name expected in the broker's certificate; default: the host. */
  readonly servername?: string;
}

export interface MqttEndpoint {
  readonly host: string;
  readonly port: number;
  readonly tls?: MqttTls;
}

/** Packet boundaries of MQTT (fixed header, variable length of up to four bytes), without keeping any content. */
export class PacketSizeGuard {
  readonly #maxBytes: number;
  #skip = 0;
  #lengthBytes = -1;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False as soon as a packet announces more than the limit, or its length is not a valid one. */
  accept(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const byte = chunk[at++] ?? 0;
      if (this.#lengthBytes < 0) {
        this.#lengthBytes = 0;
        this.#length = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
      if (this.#length > this.#maxBytes) return false;
      if (byte & 0x80) {
        if (this.#lengthBytes === 4) return false;
        continue;
      }
      this.#skip = this.#length;
      this.#lengthBytes = -1;
    }
    return true;
  }
}

/** Opens the stream; errors arrive as its `error` event, an oversized packet destroys it. */
export function openSocket(endpoint: MqttEndpoint, maxPacketBytes: number): Socket {
  const { host, port, tls } = endpoint;
  // A name indication is a name (RFC 6066): for an address the certificate's IP entries are checked instead.
  const servername = tls?.servername ?? (isIP(host) ? null : host);
  const socket: Socket = tls
    ? connectTls({
        host,
        port,
        minVersion: "TLSv1.2",
        ...tls,
        ...(servername === null ? {} : { servername }),
      })
    : connectTcp({ host, port });
  // Two small writes per QoS 1 exchange would otherwise wait 40 ms for the peer's delayed acknowledgement.
  socket.setNoDelay(true);
  const guard = new PacketSizeGuard(maxPacketBytes);
  socket.on("data", (chunk: Buffer) => {
    if (!guard.accept(chunk)) socket.destroy(new Error(`A packet is larger than ${maxPacketBytes} bytes.`));
  });
  return socket;
}
