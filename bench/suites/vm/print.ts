/** The report for people. */

import { table } from "../../lib/table.ts";
import { ratio } from "../../lib/targets.ts";
import type { RateReport } from "./sections/throughput.ts";

const percentOf = (spread: number): string => `± ${Math.round(spread * 100)} %`;

export function ratesTable({ id, title, unit, what, rates }: RateReport): string {
  const ours = rates.imu?.median;
  const rows = Object.entries(rates).map(([engine, { median, min, max }]) => {
    const factor = ratio(ours, median);
    return [
      engine,
      median,
      percentOf((max - min) / 2 / median),
      factor === null ? null : `${factor.toPrecision(3)} ×`,
    ];
  });
  return `${id}: ${title} (${what})\n${table(["engine", unit, "spread", "imu is"], rows)}`;
}
