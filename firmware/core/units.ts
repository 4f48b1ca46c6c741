/** Units in types: a bare number is not a duration (house style). Wire and storage use plain integers. */
declare const unit: unique symbol;
export type Millis = number & { readonly [unit]: "ms" };

export const millis = (n: number): Millis => n as Millis;
export const seconds = (n: number): Millis => (n * 1000) as Millis;
export const minutes = (n: number): Millis => (n * 60_000) as Millis;
export const hours = (n: number): Millis => (n * 3_600_000) as Millis;
