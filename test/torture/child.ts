/** The process that is killed: `child.mjs ledger <folder> <judged size>` or `child.mjs daemon <configuration>`. */
import { writeSync } from "node:fs";
import { loadDaemon } from "./child-daemon.ts";
import { loadLedger } from "./child-load.ts";
import type { Told } from "./lines.ts";

const STDOUT = 1;
const tell = (told: Told): void => void writeSync(STDOUT, `${JSON.stringify(told)}\n`);

const [mode, path = "", judged] = process.argv.slice(2);
await (mode === "daemon" ? loadDaemon(path, tell) : loadLedger(path, Number(judged ?? 0), tell));
