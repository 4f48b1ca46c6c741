/** A device's oscillator and calendar (simulator.md 2, "Clocks per device"). All times in true microseconds. */
export interface OscillatorState {
  readonly wall0Ms: number;
  /** Drift in parts per million, an integer. */
  readonly ppm: number;
  readonly bootAtUs: number;
  /** Corrections of the wall clock; the monotonic clock never jumps. */
  readonly jumps?: readonly { readonly atUs: number; readonly byMs: number }[];
}

export interface ClockReading {
  /** Null before the device has booted. */
  readonly monoMs: number | null;
  readonly wallMs: number;
}

const MILLION = 1_000_000n;

/** floor(us · (10^6 + ppm) / 10^6), exact. */
export function drifted(us: number, ppm: number): number {
  const product = us * ppm;
  // us is whole, so the floor of the sum is the sum with the floor; exact while the product is a safe integer.
  if (Number.isSafeInteger(product)) return us + Math.floor(product / 1_000_000);
  const exact = BigInt(us) * (MILLION + BigInt(ppm));
  const quotient = exact / MILLION;
  return Number(exact < 0n && exact % MILLION !== 0n ? quotient - 1n : quotient);
}

/** What the device's clocks show at true time `atUs`, floored to milliseconds. */
export function readOscillator(state: OscillatorState, atUs: number): ClockReading {
  let wallUs = state.wall0Ms * 1000 + drifted(atUs, state.ppm);
  for (const jump of state.jumps ?? []) if (jump.atUs <= atUs) wallUs += jump.byMs * 1000;
  const monoMs = atUs < state.bootAtUs ? null : Math.floor(drifted(atUs - state.bootAtUs, state.ppm) / 1000);
  return { monoMs, wallMs: Math.floor(wallUs / 1000) };
}
