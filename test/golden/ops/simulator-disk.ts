import { survivingBatches } from "../../../sim/disk/survivors.ts";
import type { Given, OpModule } from "../registry.ts";

function powerCut(given: Given) {
  const { ops, u, tornLast = false, lyingTail = 0 } = given;
  const ids = ops.map((op: Given) => op.id);
  const synced = ops.findLastIndex((op: Given) => op.sync) + 1;
  const count = survivingBatches({ written: ops.length, synced }, u, { torn: tornLast, lyingTail });
  return { survive: ids.slice(0, count), lost: ids.slice(count) };
}

export const modules: readonly OpModule[] = [{ area: "simulator", ops: { "disk.powerCut": powerCut } }];
