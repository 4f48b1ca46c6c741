/** Engines that run a workload again and again inside, so that only the first run and the last pay for their border. */
import type { Contender } from "../../../lib/rounds.ts";
import type { LoadedEngine } from "../engines/engine.ts";
import type { Workload } from "../workloads/workload.ts";
import { checkingContender } from "./throughput.ts";

const TIMES = 1000;

export function insideContenders(
  workload: Workload,
  engines: readonly LoadedEngine[],
): { readonly contenders: readonly Contender[]; dispose(): void } {
  const runners = engines.flatMap(({ id, engine }) => {
    const runner = engine?.prepareInside?.(workload, TIMES);
    return runner === undefined ? [] : [{ id: `${id}-inside`, runner }];
  });
  const { payload, expected, units } = workload;
  return {
    contenders: runners.map(({ id, runner }) =>
      checkingContender(id, units * TIMES, expected, () => runner.run({ ...payload })),
    ),
    dispose: () => {
      for (const { runner } of runners) runner.dispose();
    },
  };
}
