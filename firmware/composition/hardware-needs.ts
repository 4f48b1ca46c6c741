/** Which resources a policy's bindings and outputs stand on, named as `Hardware.probe` takes them (capabilities.md 8). */
import type { CompiledPolicy } from "../policy/types.ts";

function resourceOfUri(uri: string): string | null {
  const i2c = /^i2c:\/\/(\d+)\//.exec(uri);
  if (i2c) return `bus:i2c:${i2c[1]}`;
  const spi = /^spi:\/\/(\d+\.\d+)(\/|$)/.exec(uri);
  if (spi) return `bus:spi:${spi[1]}`;
  const serial = /^serial:\/\/([^/]+)/.exec(uri);
  if (serial) return `serial:${serial[1]}`;
  const gpio = /^gpio:\/\/([^/]+)\//.exec(uri);
  return gpio ? `gpio:${gpio[1]}` : null;
}

function distinct(uris: readonly string[]): readonly string[] {
  const needs = uris.map(resourceOfUri);
  return [...new Set(needs.filter((need) => need !== null))];
}

/** Of bindings and outputs, each once, in policy order. */
export const resourcesOf = ({ bindings, outputs }: CompiledPolicy): readonly string[] =>
  distinct([...bindings, ...outputs].map(({ uri }) => uri));

/** Of outputs alone: without these nothing can be driven safe. */
export const resourcesOfOutputs = ({ outputs }: CompiledPolicy): readonly string[] =>
  distinct(outputs.map(({ uri }) => uri));
