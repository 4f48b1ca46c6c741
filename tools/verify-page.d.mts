/** Writes `verify.html` and `imu-verify.mjs` to a folder. */
export declare function buildPage(folder: string): Promise<void>;
