/** Whether the system says that its clock is set by others (systemd-timesyncd or chrony). */
import { existsSync } from "node:fs";

const TIMESYNCD = "/run/systemd/timesync/synchronized";
const CHRONY = "/run/chrony/chronyd.pid";
/** The answer is looked up at most this often: it stands in front of every decision on expiry. */
const RECHECK_MS = 5000;

/** @param trust `system` when the host's clock is kept right by other means. */
export function clockSynchronised(trust: "ntp" | "system"): () => boolean {
  if (trust === "system") return () => true;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let known = false;
  return () => {
    if (performance.now() - checkedAt > RECHECK_MS) {
      checkedAt = performance.now();
      known = existsSync(TIMESYNCD) || existsSync(CHRONY);
    }
    return known;
  };
}
