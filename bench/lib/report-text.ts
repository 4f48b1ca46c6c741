/** What the reports of all suites have in common. */
import { type Summary, significant } from "./statistics.ts";
import { type Cell, table } from "./table.ts";
import type { Target } from "./targets.ts";

/** Numbers cut to five digits: what lies behind them is noise. */
const shortened = (_key: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) ? significant(value, 5) : value;

export const shortJson = (report: unknown): unknown => JSON.parse(JSON.stringify(report, shortened));

/** Half the distance between the slowest and the fastest round. */
export const spreadText = ({ median, min, max }: Summary): string =>
  `± ${Math.round(((max - min) / 2 / median) * 100)} %`;

const verdict = ({ pass, reason }: Target): string => (pass ? "yes" : reason ? `no: ${reason}` : "no");

export const targetsText = (targets: readonly Target[]): string =>
  table(
    ["target", "value", "wanted", "met"],
    targets.map((one): readonly Cell[] => [
      one.name,
      one.value,
      `${one.compare} ${one.target} ${one.unit}`,
      verdict(one),
    ]),
  );
