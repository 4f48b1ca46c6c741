/** CBOR (RFC 8949) for storage and the wire. Hashes are never over these bytes but over the RFC 8785 form. */
import { Decoder, Encoder } from "cbor-x";
import { copyOf } from "./bytes.ts";
import { CborWriter } from "./cbor-writer.ts";
import { CodedError } from "./errors.ts";

// Plain maps instead of cbor-x's record extension, so that any CBOR reader can open the store.
const options = {
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  variableMapSize: true,
} as const;
const encoder = new Encoder(options);
const decoder = new Decoder(options);
const writer = new CborWriter();

/** A fresh array that shares no memory with the encoder's pool. */
export const encodeCbor = (value: unknown): Uint8Array =>
  writer.write(value) ?? copyOf(encoder.encode(value));

// The library renames a member `__proto__`, which would change what was hashed: such bytes are read into maps first.
const mapDecoder = new Decoder({ ...options, mapsAsObjects: false });
const PROTO = "__proto__";

/** Maps as plain objects with only members of their own, `__proto__` among them. */
function objectsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(objectsOf);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = {};
  for (const [key, item] of value) {
    const member = { value: objectsOf(item), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(object, String(key), member);
  }
  return object;
}

const namesProto = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(PROTO);

/** @throws CodedError `store_corrupt` (500) if the bytes are not one CBOR item. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return namesProto(bytes) ? objectsOf(mapDecoder.decode(bytes)) : decoder.decode(bytes);
  } catch (cause) {
    throw new CodedError("store_corrupt", "The bytes are not a CBOR item.", { cause });
  }
}
