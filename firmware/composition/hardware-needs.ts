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

/** Each once, in policy order. */
export function resourcesOf(policy: CompiledPolicy): readonly string[] {
  const needs = [...policy.bindings, ...policy.outputs].map(({ uri }) => resourceOfUri(uri));
  return [...new Set(needs.filter((need) => need !== null))];
}
