import { derived, driven } from "../cell.ts";
import { type NodeKind, numberOf } from "./node.ts";

const HOUR_US = 3_600_000_000;
const CLOUD_PERIOD_US = 300_000_000;

/** Daylight at an hour 0..24: peak·sin(π(h−6)/12) from 6 to 18, else 0 (simulator.md 6). */
export function daylight(peak: number, hour: number): number {
  return hour >= 6 && hour <= 18 ? peak * Math.sin((Math.PI * (hour - 6)) / 12) : 0;
}

/**
 * Daylight in the unit of `peak` (`lux`), at true time 0 it is `hour` o'clock. Clouds: every five minutes a new factor
 * 1 − clouds·float() from the node's stream (`cloud`).
 */
export const lightKind: NodeKind = {
  values: { peak: null, hour: 0, clouds: 0.5 },
  drivable: ["peak", "clouds"],
  fields: ["lux", "cloud"],
  create(values, entropy) {
    const [peak, hour] = [driven(numberOf(values, "peak")), driven(numberOf(values, "hour"))];
    const clouds = driven(numberOf(values, "clouds"));
    const sky = (): number => 1 - clouds.value * entropy.float();
    const hourAt = (atUs: number): number => {
      const hours = hour.value + atUs / HOUR_US;
      return hours - Math.floor(hours / 24) * 24;
    };
    const cloud = derived(sky());
    const lux = derived(daylight(peak.value, hourAt(0)) * cloud.value);
    let period = 0;
    return {
      cells: { peak, hour, clouds, cloud, lux },
      inputs: [],
      step({ atUs }) {
        for (; period < Math.floor(atUs / CLOUD_PERIOD_US); period++) cloud.value = sky();
        lux.value = daylight(peak.value, hourAt(atUs)) * cloud.value;
      },
    };
  },
};
