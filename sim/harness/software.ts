/** Reads what a group of devices runs: documents that a scenario names or holds. */
import { dirname, isAbsolute, resolve } from "node:path";
import { parse } from "yaml";
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { DeviceGroup, DocumentSource } from "../scenario/types.ts";
import type { DeviceSoftware } from "./provision.ts";

/** Reads a file of the scenario's author. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

async function textOf(source: DocumentSource, file: string, read: ReadFile): Promise<string> {
  if (typeof source !== "string") return JSON.stringify(source);
  const path = isAbsolute(source) ? source : resolve(dirname(file), source);
  try {
    return fromUtf8(await read(path));
  } catch (cause) {
    throw new CodedError("scenario_invalid", `${path} cannot be read.`, {
      status: 422,
      details: { file, path: source, why: "cannot be read" },
      cause,
    });
  }
}

/** JSON, or YAML for what people write by hand. */
function documentOf(text: string, name: string): JsonObject {
  const value: Json = /\.ya?ml$/.test(name)
    ? (parse(text, { maxAliasCount: 0 }) as Json)
    : (JSON.parse(text) as Json);
  if (isJsonObject(value)) return value;
  throw new CodedError("scenario_invalid", `${name} is not a document.`, {
    status: 422,
    details: { path: name, why: "not an object" },
  });
}

const nameOf = (source: DocumentSource): string => (typeof source === "string" ? source : "document.json");

/** A policy or program by itself. @throws CodedError `scenario_invalid` (422). */
export async function loadDocument(
  source: DocumentSource,
  file: string,
  read: ReadFile,
): Promise<JsonObject> {
  return documentOf(await textOf(source, file, read), nameOf(source));
}

/** @throws CodedError `scenario_invalid` (422) {file, path} for files that are missing or hold something else. */
export async function loadSoftware(
  group: DeviceGroup,
  file: string,
  read: ReadFile,
): Promise<DeviceSoftware> {
  const policy = await loadDocument(group.policy, file, read);
  const programs: JsonObject[] = [];
  for (const source of group.programs) programs.push(await loadDocument(source, file, read));
  return {
    board: group.board,
    policyTemplate: `${JSON.stringify(policy, null, 2)}\n`,
    programs,
    config: {
      broker: { url: "mqtt://broker:1883" },
      logLevel: "warn",
      sensors: group.sensors.map((row) => ({ ...row })),
      lines: group.lines.map((row) => ({ ...row })),
      ...group.config,
    },
  };
}
