/** A simulated device that ran a program, was stopped and cosigned by two witnesses; and what it exports. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { type Ed25519KeyPair, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import {
  cosign,
  formatVkey,
  Ledger,
  TYPE_COSIGNATURE,
  verifierKey,
  witnessName,
} from "../../firmware/ledger/index.ts";
import { recordedDevice, waterOnce } from "../cli/recorded-device.ts";
import { imuctl } from "../cli/support.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** POSIX seconds at which the witnesses cosigned. */
export const COSIGNED_AT = 1_750_000_000;

const WITNESSES = ["imu-00000000000000a1", "imu-00000000000000a2"].map((device, i) => {
  const pair = keyPairFromSeed(new Uint8Array(32).fill(0x40 + i));
  const name = witnessName("imu.invalid", "greenhouse", device);
  return { name, pair, vkey: formatVkey(verifierKey(name, TYPE_COSIGNATURE, pair.publicKeyHex)) };
});

export interface Exported extends AsyncDisposable {
  readonly dir: string;
  readonly config: string;
  readonly state: string;
  readonly runId: string;
  /** vkey of the log. */
  readonly log: string;
  readonly pem: string;
  readonly witnesses: readonly string[];
  /** The largest checkpoint, and the one of the time before more was recorded. */
  readonly note: string;
  readonly oldNote: string;
  readonly oldSize: number;
  /** What `imuctl` writes. */
  run(...argv: readonly string[]): Promise<string>;
  /** The device's private key, for a device that cheats. */
  signer(): Promise<Ed25519KeyPair>;
  /** A ledger of this device to go on with, signed by its key. */
  openLedger(): Promise<{ readonly ledger: Ledger; close(): Promise<void> }>;
}

async function ledgerOf(config: string, state: string) {
  const { fleet } = await loadConfig(new NodeFiles(), config);
  const identity = await loadIdentity(new NodeFiles(), state);
  const store = await LevelStore.open(join(state, "db"), { create: false });
  // Years after the run, so that no entry lies before it.
  const clock = new ManualClock({ wallMs: 4_000_000_000_000 });
  const ledger = await Ledger.open({
    store,
    clock,
    fleet,
    device: identity.deviceId,
    headKey: identity.headKey,
    signer: identity.pair,
    simulated: true,
    groupCommitMs: 0,
  });
  const close = async (): Promise<void> => {
    await ledger.close();
    await store[Symbol.asyncDispose]();
  };
  return { ledger, close };
}

const change = (n: number) => ({
  kind: "config_change",
  actor: "daemon",
  severity: "info" as const,
  data: { name: `p${n}`, old: n, new: n + 0.5 },
});

export async function exportedDevice(): Promise<Exported> {
  const dir = await mkdtemp(join(tmpdir(), "imu-verify-"));
  const { config, runId } = await recordedDevice(join(dir, "device"), waterOnce());
  const { stateDir: state } = await loadConfig(new NodeFiles(), config);
  const { ledger, close } = await ledgerOf(config, state);
  const oldNote = (await ledger.reader.checkpoint()) ?? "";
  const oldSize = ledger.head.size;
  for (let n = 0; n < 5; n++) await ledger.commit({ events: [change(n)], ops: [] }, { urgent: true });
  const note = await ledger.checkpoint();
  const lines = WITNESSES.map(({ name, pair }) => cosign(note, name, COSIGNED_AT, pair));
  const keys = WITNESSES.map(({ name, pair }) => verifierKey(name, TYPE_COSIGNATURE, pair.publicKeyHex));
  const cosigned = await ledger.addCosignatures(ledger.head.size, lines, keys);
  await close();
  const run = async (...argv: readonly string[]): Promise<string> => {
    const { code, out, err } = await imuctl([...argv, "--state", state]);
    if (code !== 0) throw new Error(err);
    return out;
  };
  const { log } = JSON.parse(await run("ledger", "keys", "--json")) as { readonly log: string };
  return {
    dir,
    config,
    state,
    runId,
    log,
    pem: await readFile(join(state, "keys", "device.pub"), "utf8"),
    witnesses: WITNESSES.map(({ vkey }) => vkey),
    note: cosigned,
    oldNote,
    oldSize,
    run,
    signer: async () => (await loadIdentity(new NodeFiles(), state)).pair,
    openLedger: () => ledgerOf(config, state),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
