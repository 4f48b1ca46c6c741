/** A process of its own that appends to one log and says how many bytes were written: `disk-bytes.js <id> <group> <count> <dir>`. */
import { writtenBytes, writtenSince } from "../../../lib/disk-io.ts";
import { scratch } from "../../../lib/scratch.ts";
import { LOGS } from "../logs/index.ts";

const [id, groupText, countText, dir] = process.argv.slice(2);
const source = LOGS.find((one) => one.id === id);
if (source === undefined) throw new Error(`There is no log ${id}.`);
const [group, count] = [Number(groupText), Number(countText)];

await using folder = await scratch(dir);
const log = await source.open(folder.path);
await log.append(group);
const before = writtenBytes();
let entries = 0;
for (; entries < count; entries += group) await log.append(group);
// What LevelDB rewrites later belongs to these entries too; closing waits for what it has begun.
await log[Symbol.asyncDispose]();
const { disk, calls } = writtenSince(before);
process.stdout.write(JSON.stringify({ measured: before !== null, entries, disk, calls }));
