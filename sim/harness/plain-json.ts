import type { Json } from "../../firmware/core/json.ts";

export type { Json };

/** The value as plain JSON; what JSON cannot say is left out. */
export const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;
