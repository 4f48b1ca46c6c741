/** From distributed bytes to the first answer, and how long a long program takes to be admitted. */
import { parseProgram, verifyProgram } from "../../../../firmware/vm/index.ts";
import { type Contender, measureInterleaved, type RoundSettings } from "../../../lib/rounds.ts";
import { summarise } from "../../../lib/statistics.ts";
import type { Progress } from "../../../lib/suite.ts";
import type { LoadedEngine } from "../engines/engine.ts";
import { LARGE_BYTES, largeProgram, largeSource, SENSOR_VIEW } from "../programs/large.ts";
import { sum } from "../workloads/sum.ts";
import { checkingContender, type RateReport } from "./throughput.ts";

/** Load, verify and run the 12-instruction program once, then forget it. */
export function measureLoading(
  engines: readonly LoadedEngine[],
  settings: RoundSettings,
  progress: Progress,
): RateReport {
  progress("load: bytes to the first answer");
  const contenders = engines.flatMap(({ id, engine }) => {
    const once = engine?.loadOnce?.(sum);
    return once ? [checkingContender(id, 1, sum.expected, once)] : [];
  });
  return {
    id: "load",
    title: "load, verify and run once",
    what: "the 12-instruction program from its bytes to its answer, then dropped; peers get a new context in a runtime that stands ready",
    unit: "loads/s",
    rates: Object.fromEntries(measureInterleaved(contenders, settings, progress)),
  };
}

function verifying(): readonly Contender[] {
  const document = largeProgram();
  const bytes = Buffer.from(JSON.stringify(document));
  const parsed = parseProgram(bytes);
  const verify = (json: typeof parsed): void => {
    const answer = verifyProgram(json, SENSOR_VIEW);
    if (!answer.ok) throw new Error(`does not verify: ${JSON.stringify(answer.issues.slice(0, 4))}`);
  };
  return [
    { id: "imu", units: 1, run: () => verify(parseProgram(bytes)) },
    { id: "imu-verify-only", units: 1, run: () => verify(parsed) },
    { id: "json-parse", units: 1, run: () => JSON.parse(bytes.toString("utf8")) },
  ];
}

/** Milliseconds to admit a program of 64 KiB. */
export function measureVerifying(
  engines: readonly LoadedEngine[],
  settings: RoundSettings,
  progress: Progress,
): RateReport {
  progress("verify: a program of 64 KiB");
  const source = largeSource();
  const compilers = engines.flatMap(({ id, engine }): Contender[] => {
    const compile = engine?.compile ?? null;
    return compile ? [{ id, units: 1, run: () => compile(source) }] : [];
  });
  const rates = measureInterleaved([...verifying(), ...compilers], settings, progress);
  const ms = [...rates].map(
    ([id, { rounds }]) => [id, summarise(rounds.map((rate) => 1000 / rate))] as const,
  );
  return {
    id: "verify",
    title: "verify a long program",
    what: `${LARGE_BYTES / 1024} KiB of JSON read and verified; peers compile as much JavaScript that does the same, V8 leaving inner functions for later`,
    unit: "ms",
    rates: Object.fromEntries(ms),
  };
}
