/** Writes the disks of a simulated fleet to real folders, which `imuctl --state` reads like those of real devices. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Member, Sim } from "../../../sim/harness/sim.ts";
import { LevelStore } from "../../adapters/level-store.ts";
import type { StoreOp } from "../../ports/store.ts";

const STATE = "/var/lib/imud/";
const BATCH_ROWS = 1000;
const SECRET = /\/keys\/.*\.key$/;

async function keepOne({ disk }: Member, dir: string): Promise<void> {
  const state = join(dir, "state");
  await mkdir(state, { recursive: true, mode: 0o700 });
  await using store = await LevelStore.open(join(state, "db"), { create: true });
  let ops: StoreOp[] = [];
  for (const part of disk.image()) {
    if (part.kind === "row") {
      ops.push({ type: "put", sub: part.sub, key: part.key, value: part.bytes });
      if (ops.length >= BATCH_ROWS) {
        await store.batch(ops, { sync: false });
        ops = [];
      }
      continue;
    }
    const name = part.path.startsWith(STATE) ? join("state", part.path.slice(STATE.length)) : part.path;
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, part.bytes);
    if (SECRET.test(path)) await chmod(path, 0o600);
  }
  await store.batch(ops, { sync: true });
}

/** `<dir>/<device>/state` and `<dir>/<device>/etc` of each device. */
export async function keepDisks(sim: Sim, dir: string): Promise<void> {
  for (const [name, member] of sim.members) await keepOne(member, join(dir, name));
}
