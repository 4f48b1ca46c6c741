/**
 * Builds the verifier for browsers: `imu-verify.mjs`, one ES module, and `verify.html`, one file that holds everything and
 * may run nothing but its own script.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), "..", "verify");

/** @param {string} entry */
async function bundled(entry) {
  const options = { bundle: true, format: "esm", target: "es2022", platform: "browser", charset: "ascii" };
  const { outputFiles } = await build({ entryPoints: [join(SOURCE, entry)], write: false, ...options });
  return outputFiles[0].text;
}

/** @param {string} text */
const hashOf = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** @param {string} folder where the two files are written. */
export async function buildPage(folder) {
  const script = `\n${(await bundled("page/page.js")).replaceAll("</script", "<\\/script")}`;
  const style = `\n${await readFile(join(SOURCE, "page/page.css"), "utf8")}`;
  const parts = {
    "/* the script */": script,
    "/* the style */": style,
    "%SCRIPT_HASH%": hashOf(script),
    "%STYLE_HASH%": hashOf(style),
  };
  const template = await readFile(join(SOURCE, "page/index.html"), "utf8");
  const place = /\/\* the (?:script|style) \*\/|%(?:SCRIPT|STYLE)_HASH%/g;
  const page = template.replace(place, (name) => parts[name] ?? name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "verify.html"), page);
  await writeFile(join(folder, "imu-verify.mjs"), await bundled("index.ts"));
}
