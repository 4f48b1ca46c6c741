/**
 * Source maps (version 3) from the instructions of a document to the text they were written as. A map carries the hash
 * of its document in `x_programHash`; one that belongs to another document is refused. A map comes from a file that
 * anybody may have written: it is sized before it is parsed and every part of it is checked.
 */
import { addMapping, GenMapping, toEncodedMap } from "@jridgewell/gen-mapping";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { CodedError, messageOf } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { AUTHORING_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { type ProgramDocument, programHash } from "../vm/index.ts";
import { formatDocument } from "./format-document.ts";
import type { Origin, SourcePosition } from "./types.ts";

export class SourceMapError extends CodedError<"source_map_invalid" | "source_map_mismatch"> {}

/** Where instructions were written. */
export interface SourceLines {
  /** Null if the map does not say. `file` is as the map names it. */
  positionOf(unit: string, index: number): SourcePosition | null;
}

const key = (unit: string, index: number): string => `${unit}:${index}`;

/**
 * The map of a document as `formatDocument` writes it.
 * @param file name of the document's file, without folders.
 * @param rename how a source is called in the map, usually relative to it.
 */
export function createSourceMap(
  document: ProgramDocument,
  origins: readonly Origin[],
  file: string,
  rename: (source: string) => string = (source) => source,
): JsonObject {
  const map = new GenMapping({ file });
  const byPlace = new Map(origins.map((origin) => [key(origin.unit, origin.index), origin]));
  for (const { unit, index, line, column } of formatDocument(document).places) {
    const origin = byPlace.get(key(unit, index));
    if (origin === undefined) continue;
    const { position, fn } = origin;
    const mapping = {
      generated: { line, column: column - 1 },
      original: { line: position.line, column: position.column - 1 },
      source: rename(position.file),
    };
    if (fn === null) addMapping(map, mapping);
    else addMapping(map, { ...mapping, name: fn });
  }
  const { version, sources, names, mappings } = toEncodedMap(map);
  return {
    version,
    file,
    sources: sources.map((source) => source ?? ""),
    names: [...names],
    mappings,
    x_programHash: programHash(document),
  };
}

function invalid(why: string, cause?: unknown): never {
  throw new SourceMapError("source_map_invalid", `The source map cannot be used: ${why}.`, {
    status: 422,
    cause,
    details: { remedy: "build the program again, or remove the map." },
  });
}

const isTexts = (value: Json | undefined, most: number): value is readonly string[] =>
  Array.isArray(value) && value.length <= most && value.every((item) => typeof item === "string");

interface MapFields {
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
  readonly hash: string;
}

function fieldsOf(bytes: Uint8Array): MapFields {
  let value: Json;
  try {
    value = parseJson(bytes, { maxBytes: AUTHORING_LIMITS.mapBytes, maxDepth: AUTHORING_LIMITS.mapDepth });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return invalid(messageOf(error), error);
  }
  if (!isJsonObject(value)) return invalid("it is no object");
  const { version, sources, names = [], mappings, x_programHash: hash } = value;
  if (version !== 3) return invalid("its version is not 3");
  if (!isTexts(sources, AUTHORING_LIMITS.mapSources)) return invalid("its sources are no list of names");
  if (!isTexts(names, AUTHORING_LIMITS.mapNames)) return invalid("its names are no list of names");
  if (typeof mappings !== "string" || !/^[A-Za-z0-9+/,;]*$/.test(mappings)) {
    return invalid("its mappings are no VLQ text");
  }
  if (typeof hash !== "string") return invalid("it does not name its program (x_programHash)");
  return { sources, names, mappings, hash };
}

/** Decoding is left to the library; whatever it makes of a hostile text is checked when it is asked. */
function traced({ sources, names, mappings }: MapFields): TraceMap {
  try {
    return new TraceMap({ version: 3, sources: [...sources], names: [...names], mappings });
  } catch (error) {
    return invalid("its mappings cannot be decoded", error);
  }
}

const isCount = (value: number | null, least: number): value is number =>
  value !== null && Number.isSafeInteger(value) && value >= least;

/**
 * Reads the map of a document. @throws SourceMapError `source_map_invalid`, `source_map_mismatch` (422).
 */
export function readSourceMap(bytes: Uint8Array, document: ProgramDocument): SourceLines {
  const fields = fieldsOf(bytes);
  const hash = programHash(document);
  if (fields.hash !== hash) {
    throw new SourceMapError("source_map_mismatch", "The source map belongs to another program document.", {
      status: 422,
      details: { expected: hash, got: fields.hash.slice(0, 64), remedy: "build the program again." },
    });
  }
  const map = traced(fields);
  const places = new Map(
    formatDocument(document).places.map((place) => [key(place.unit, place.index), place]),
  );
  return {
    positionOf(unit, index) {
      const place = places.get(key(unit, index));
      if (place === undefined) return null;
      let found: ReturnType<typeof originalPositionFor>;
      try {
        found = originalPositionFor(map, { line: place.line, column: place.column - 1 });
      } catch (error) {
        return invalid("its mappings cannot be decoded", error);
      }
      const { source, line, column } = found;
      if (typeof source !== "string" || !isCount(line, 1) || !isCount(column, 0)) return null;
      return { file: source, line, column: column + 1 };
    },
  };
}

/** The same for a document that was just built. */
export function originLines(origins: readonly Origin[]): SourceLines {
  const positions = new Map(origins.map(({ unit, index, position }) => [key(unit, index), position]));
  return { positionOf: (unit, index) => positions.get(key(unit, index)) ?? null };
}
