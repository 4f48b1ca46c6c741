import nmea from "nmea-simple";
import { utf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { SerialLine } from "../../firmware/ports/hardware.ts";
import { type Measurement, sensorFault } from "./sensor.ts";

const LINE_END = utf8("\n");
/** NMEA 0183 allows 82 characters; receivers with long fields exceed it a little. */
const MAX_SENTENCE_BYTES = 128;
const MAX_SENTENCES = 40;
/** A receiver speaks once a second; a little more covers the rest of its burst. */
const WITHIN_MS = 1500;
const SENTENCE = /^\$[A-Z]{2}GGA,[\x20-\x7e]*\*[0-9A-F]{2}$/;

const LATITUDE = /^(?:[0-8][0-9][0-5][0-9]\.[0-9]+|9000\.0+),[NS]$/;
const LONGITUDE = /^(?:(?:0[0-9]|1[0-7])[0-9][0-5][0-9]\.[0-9]+|18000\.0+),[EW]$/;

/**
 * True if a sentence says what its quality promises. The parser reads an empty or garbled field as zero, and a right
 * checksum proves only that the receiver sent it so: no such zero may pass for a measured place.
 */
function isComplete(sentence: string): boolean {
  const fields = (sentence.split("*")[0] ?? "").split(",");
  const [, , latitude, north, longitude, east, quality = "", satellites = "", , altitude = "", unit] = fields;
  if (!/^[0-8]$/.test(quality) || !/^[0-9]{1,2}$/.test(satellites)) return false;
  if (quality === "0") return true;
  return (
    LATITUDE.test(`${latitude},${north}`) &&
    LONGITUDE.test(`${longitude},${east}`) &&
    /^-?[0-9]{1,5}(?:\.[0-9]+)?$/.test(altitude) &&
    unit === "M"
  );
}

export type GpsQuantity = "latitude" | "longitude" | "altitude" | "satellites";

/** More than a receive buffer holds. */
const BACKLOG_BYTES = 4096;

/**
 * Position from the next GGA sentence whose checksum is right. What waited unread is dropped first: nobody knows how
 * old it is. Other sentences, and damaged ones, are passed over; a reading takes up to a second.
 */
export class NmeaGps {
  readonly #line: SerialLine;
  readonly #source: string;

  constructor(line: SerialLine, source: string) {
    this.#line = line;
    this.#source = source;
  }

  /**
   * @throws CodedError `io_timeout` when the receiver is silent, `framing` when only damaged sentences came,
   *   `sensor_fault` when it has no fix.
   */
  async read(quantity: GpsQuantity, signal: AbortSignal): Promise<Measurement> {
    await this.#line.read({ maxBytes: BACKLOG_BYTES, withinMs: 0 }, signal);
    let damaged = 0;
    for (let i = 0; i < MAX_SENTENCES; i++) {
      const request = { maxBytes: MAX_SENTENCE_BYTES, until: LINE_END, withinMs: WITHIN_MS };
      const { data, timedOut } = await this.#line.read(request, signal);
      if (timedOut && data.length === 0) break;
      const text = Buffer.from(data).toString("latin1").trim();
      const packet = this.#parse(text);
      if (packet === "damaged") damaged++;
      else if (packet) return this.#measure(packet, quantity);
    }
    const code = damaged > 0 ? "framing" : "io_timeout";
    throw new CodedError(code, `${this.#source}: no valid GGA sentence`, {
      status: 500,
      details: { source: this.#source, damaged },
    });
  }

  #parse(text: string): nmea.GGAPacket | "damaged" | null {
    if (!SENTENCE.test(text)) return /^\$[A-Z]{5},[\x20-\x7e]*\*[0-9A-F]{2}$/.test(text) ? null : "damaged";
    if (!isComplete(text)) return "damaged";
    try {
      const packet = nmea.parseNmeaSentence(text);
      return packet.sentenceId === "GGA" ? packet : null;
    } catch (error) {
      // The parser throws plain errors for a wrong checksum; nothing else can go wrong with the shape just checked.
      if (error instanceof Error) return "damaged";
      throw error;
    }
  }

  #measure(packet: nmea.GGAPacket, quantity: GpsQuantity): Measurement {
    if (quantity === "satellites") return { value: packet.satellitesInView, unit: "1" };
    if (packet.fixType === "none")
      throw sensorFault(this.#source, "no fix", { satellites: packet.satellitesInView });
    if (quantity === "altitude") return { value: packet.altitudeMeters, unit: "m" };
    return { value: quantity === "latitude" ? packet.latitude : packet.longitude, unit: "deg" };
  }
}
