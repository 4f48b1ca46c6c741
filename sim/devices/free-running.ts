/**
 * When a converter that runs by itself starts the next conversion worth computing: of those that ended unseen since
 * `endUs`, only the last `keep` can still be noticed. All times in microseconds.
 */
export function nextStartUs(endUs: number, periodUs: number, nowUs: number, keep = 1): number {
  const finished = Math.floor((nowUs - endUs) / periodUs);
  return endUs + Math.max(0, finished - keep) * periodUs;
}
