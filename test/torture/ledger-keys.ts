/** Keys and names of the bare ledger that is tortured. */
export const LEDGER_FLEET = "plant";
export const LEDGER_DEVICE = "imu-0011223344556677";
export const LEDGER_HEAD_KEY = new Uint8Array(32).fill(7);
export const LEDGER_SEED = new Uint8Array(32).fill(9);
