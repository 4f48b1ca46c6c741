/** The verifier in a real browser: the page that one drops a file on, and the module by itself. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage } from "../../tools/verify-page.mjs";
import { type Exported, exportedDevice } from "./exported-device.ts";
import { TAMPERS } from "./tampered.ts";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];

/** The browser of this machine; without one it is said loudly, since a skipped test proves nothing. */
function browserPath(): string | null {
  const { stdout } = spawnSync("sh", [
    "-c",
    "command -v chromium || command -v chromium-browser || command -v google-chrome",
  ]);
  const path = stdout.toString().trim();
  if (path === "") process.stderr.write("\n*** SKIPPED: the tests in a browser need chromium ***\n\n");
  return path === "" ? null : path;
}

const executablePath = browserPath();

describe.skipIf(executablePath === null)("in Chromium", () => {
  let dir: string;
  let device: Exported;
  let bundle: string;
  let browser: Browser;
  let server: Server;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "imu-page-"));
    await buildPage(dir);
    device = await exportedDevice();
    bundle = await device.run("export", "--content");
    const module = await readFile(join(dir, "imu-verify.mjs"));
    server = createServer((request, response) => {
      const isModule = request.url === "/imu-verify.mjs";
      response.setHeader("content-type", isModule ? "text/javascript" : "text/html");
      response.end(isModule ? module : "<!doctype html>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: executablePath ?? "", headless: true, args: FLAGS });
  });

  afterAll(async () => {
    await browser.close();
    await new Promise((resolve) => server.close(resolve));
    await device[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  /** The page from the disk, as somebody has it who was handed the file. */
  async function opened(): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(dir, "verify.html")).href);
    await page.fill("#keys", device.log);
    await page.fill("#witnesses", device.witnesses.join("\n"));
    return page;
  }

  async function verdictOf(page: Page): Promise<string> {
    await page.locator("#verdict:not([data-verdict='']):not([data-verdict='reading'])").waitFor();
    return (await page.textContent("#verdict")) ?? "";
  }

  test("a good file that is dropped is proven, without any request", async () => {
    const page = await opened();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const dropped = await page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File([${JSON.stringify(bundle)}], "run.bundle")); return data; })()`,
    );

    await page.dispatchEvent("#drop", "drop", { dataTransfer: dropped });

    expect(await verdictOf(page)).toBe("verified");
    expect(await page.textContent("#report")).toContain(
      "proven\tevidence 3/2\tsensor_reading, recorded by this run",
    );
    expect(requests).toEqual([]);
    await page.close();
  });

  test("every tampered file is named as on the command line", async () => {
    const page = await opened();
    const file = join(dir, "tampered.bundle");
    const wrong: string[] = [];

    for (const { name, code, change } of TAMPERS) {
      await writeFile(file, change(bundle));
      await page.evaluate("document.getElementById('verdict').dataset.verdict = ''");
      await page.setInputFiles("#file", []);
      await page.setInputFiles("#file", file);
      const verdict = await verdictOf(page);
      const report = (await page.textContent("#report")) ?? "";
      if (verdict === "verified" || !report.endsWith(`\t${code}\n`)) wrong.push(`${name}: ${verdict}`);
    }

    expect(wrong).toEqual([]);
    await page.close();
  });

  test("a known checkpoint is a file of its own", async () => {
    const page = await opened();
    await writeFile(join(dir, "old.note"), device.oldNote);
    await writeFile(join(dir, "good.bundle"), bundle);

    await page.setInputFiles("#known", join(dir, "old.note"));
    await page.setInputFiles("#file", join(dir, "good.bundle"));

    expect(await verdictOf(page)).toBe("verified");
    await page.close();
  });

  test("the module alone gives the same report as in Node.js", async () => {
    const { verify } = await import("../../verify/index.ts");
    const options = { keys: [device.log], witnesses: device.witnesses, nowSec: 4_000_000_000 };
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);

    const text = await page.evaluate(`import("/imu-verify.mjs").then(async ({ verify }) => JSON.stringify(
      await verify(new TextEncoder().encode(${JSON.stringify(bundle)}), ${JSON.stringify(options)})))`);

    expect(JSON.parse(String(text))).toEqual(await verify(new TextEncoder().encode(bundle), options));
    await page.close();
  });
});
