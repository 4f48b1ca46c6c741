/** Database files cut short, overwritten or gone: the daemon opens what is whole, or says what is wrong. */

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Config } from "../../firmware/composition/config-schema.ts";
import { databasePath } from "../../firmware/composition/state.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { mutatedBytes, typedLater } from "./mutations.ts";

let folder: TemporaryFolder;
let whole: string;
let config: Config;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  whole = join(folder.path, "whole");
  await mkdir(whole);
  const { configPath } = await deviceFolder(whole);
  config = await loadConfig(new NodeFiles(), configPath);
  // Two lives, so that there are a table file and a log.
  for (let life = 0; life < 2; life++) {
    const device = await openDevice(config, silentLog);
    await device.start();
    await device.parts.runs.start({ program: "climate", trigger: { type: "command" }, payload: {} });
    await device.stop("test");
  }
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

type Damage = (bytes: Uint8Array) => Uint8Array | null;

/** A life over a copy whose file is damaged: true if it lived, else the typed error that refused it. */
async function liveWith(file: string, damage: Damage): Promise<true | CodedError> {
  const stateDir = join(folder.path, "copy");
  await rm(stateDir, { recursive: true, force: true });
  await cp(config.stateDir, stateDir, { recursive: true });
  const path = join(databasePath(stateDir), file);
  const bytes = damage(new Uint8Array(await readFile(path)));
  if (bytes === null) await rm(path);
  else await writeFile(path, bytes);
  const result = await typedLater(async () => {
    const device = await openDevice({ ...config, stateDir }, silentLog);
    try {
      await device.start();
    } finally {
      await device.stop("test");
    }
    return true as const;
  });
  return result;
}

const files = async (): Promise<readonly string[]> =>
  (await readdir(databasePath(config.stateDir))).filter((name) => !/^LO(CK|G)/.test(name));

describe("a database with one file", () => {
  it.each([
    ["emptied", () => new Uint8Array()],
    ["cut to half", (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
    ["cut by one byte", (bytes: Uint8Array) => bytes.slice(0, -1)],
    ["overwritten with FFh", (bytes: Uint8Array) => new Uint8Array(bytes.length).fill(0xff)],
    ["gone", () => null],
  ] satisfies readonly (readonly [string, Damage])[])(
    "%s opens, or is refused with a code that says why",
    async (_name, damage) => {
      for (const file of await files()) {
        const result = await liveWith(file, damage);
        if (result instanceof CodedError)
          expect(["store_corrupt", "ledger_unavailable"]).toContain(result.code);
      }
    },
  );

  it("with bits flipped opens, or is refused with a code that says why", async () => {
    for (const file of await files()) {
      const bytes = new Uint8Array(await readFile(join(databasePath(config.stateDir), file)));
      for (const changed of fc.sample(mutatedBytes(bytes), { seed: 11, numRuns: 6 })) {
        const result = await liveWith(file, () => changed);
        if (result instanceof CodedError) expect(result.code).toMatch(/^(store|ledger)_/);
      }
    }
  });
});
