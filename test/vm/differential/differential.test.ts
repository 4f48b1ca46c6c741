/**
 * Random valid programs give the same result, step for step, whoever executes them and however they are sliced.
 *
 * DIFFERENTIAL_SEED=n      the seed of the run (else a new one, which is always printed)
 * DIFFERENTIAL_PATH=p      one failing case of that seed, as the failing run printed it
 * DIFFERENTIAL_PROGRAMS=n  how many programs (else 20000)
 */
import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { INSTRUCTIONS } from "../../../firmware/vm/instruction-set.ts";
import { runCampaign } from "./campaign.ts";
import { SEEDS } from "./seeds.ts";
import { LOOKED_AT_ONE_IN, type Statistics } from "./statistics.ts";

const env = process.env;
const seed = env.DIFFERENTIAL_SEED === undefined ? randomInt(2 ** 31) : Number(env.DIFFERENTIAL_SEED);
const path = env.DIFFERENTIAL_PATH;
const programs = Number(env.DIFFERENTIAL_PROGRAMS ?? 20_000);

/** Below this many programs the shares are too coarse to be judged. */
const JUDGED_PROGRAMS = 20_000;
const KEPT_PROGRAMS = 300;
const TIMEOUT_MS = 600_000;

/** Free instructions; they cost no step, so no step shows them. */
const DECLARATIONS = ["LABEL", "FUNC", "ENDFUNC"];
/** Every quota of vm.md 5 that a machine alone can refuse. */
const QUOTAS = [
  ...["cpu_steps_exceeded", "mem_exceeded", "io_calls_exceeded", "sleep_too_long", "sleep_total_exceeded"],
  ...["tasks_exceeded", "call_depth_exceeded", "claims_exceeded", "output_bytes_exceeded"],
  ...["io_read_bytes_exceeded", "io_write_bytes_exceeded", "net_out_bytes_exceeded"],
];

/** What the programs did not reach often enough. */
function gaps(statistics: Statistics): readonly string[] {
  const share = statistics.generated / 20_000;
  const ops = [...INSTRUCTIONS.keys()].filter((op) => !DECLARATIONS.includes(op) && op !== "FAIL");
  const rare = (
    names: readonly string[],
    counts: ReadonlyMap<string, number>,
    least: number,
  ): readonly string[] =>
    names
      .filter((name) => (counts.get(name) ?? 0) < least * share)
      .map((name) => `${name} ${counts.get(name) ?? 0}`);
  return [
    ...rare(ops, statistics.succeeded, 100 / LOOKED_AT_ONE_IN),
    ...rare(["FAIL"], statistics.failed, 100 / LOOKED_AT_ONE_IN),
    ...rare(QUOTAS, statistics.reasons, 4),
    ...rare(["responded", "halted", "failed"], statistics.endings, 500),
    ...rare(["call", "wake", "elapsed"], statistics.journal, 500),
  ];
}

describe("random programs on every executor, in every slicing", () => {
  it.each(SEEDS.map((kept) => [kept.found, kept] as const))(
    "stay right: %s",
    { timeout: TIMEOUT_MS },
    async (_found, kept) => {
      const { failure } = await runCampaign({ ...kept, programs: KEPT_PROGRAMS });

      if (failure !== null) expect.fail(failure);
    },
  );

  it("give one result, one journal, one account of steps and memory", { timeout: TIMEOUT_MS }, async () => {
    const { statistics, failure } = await runCampaign({
      seed,
      programs,
      ...(path === undefined ? {} : { path }),
    });

    process.stdout.write(`differential: seed ${seed}, ${statistics}\n`);
    if (failure !== null) expect.fail(failure);
    if (path !== undefined || programs < JUDGED_PROGRAMS) return;
    expect(statistics.share).toBeGreaterThan(0.9);
    expect(gaps(statistics)).toEqual([]);
  });
});
