/**
 * `npm run bench -- <suite> [options]`: installs what is missing, compiles the product and the suites as they are
 * shipped (plain JavaScript from tsc, no loader in between), and starts the suite. Standard output is the suite's alone.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(bench);
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Output of helpers goes to stderr, so that `--json` leaves one object on stdout. */
function step(what, command, args, cwd) {
  process.stderr.write(`bench: ${what}\n`);
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(`bench: ${command} ${args.join(" ")} failed in ${cwd}\n`);
    process.exit(1);
  }
}

/** The pinned versions are there; a peer that is optional may be missing, the suite reports it then. */
function installed() {
  const { dependencies } = json(join(bench, "package.json"));
  return Object.entries(dependencies).every(([name, version]) => {
    const manifest = join(bench, "node_modules", name, "package.json");
    return existsSync(manifest) && json(manifest).version === version;
  });
}

if (!existsSync(compiler)) step("installing the product's packages", "npm", ["ci"], root);
if (!installed()) step("installing the peers (isolated-vm may have to be built)", "npm", ["ci"], bench);
step("compiling", process.execPath, [compiler, "-p", join(bench, "tsconfig.json")], root);

// isolated-vm needs the first flag on Node 20; the second gives every measurement a collected heap to begin with.
const flags = ["--no-node-snapshot", "--expose-gc"];
const program = join(bench, "dist", "bench", "cli.js");
const { status, signal } = spawnSync(process.execPath, [...flags, program, ...process.argv.slice(2)], {
  stdio: ["ignore", 1, 2],
});
process.exit(signal ? 1 : (status ?? 1));
