import { describe, expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig, parseConfig } from "../../firmware/composition/config.ts";

const minimal = "board: sim\nfleet: farm\nstateDir: state\npolicyFile: policy.json\nprogramsDir: programs\n";

describe("the configuration", () => {
  test("fills in the documented defaults", () => {
    expect(parseConfig(minimal, "imud.yaml")).toMatchObject({
      runDir: "/run/imud",
      broker: null,
      groupCommitMs: 20,
      vm: { maxRuns: 16 },
      gossip: { minIntervalMs: 4000 },
    });
  });

  test.each([
    ["an unknown member", `${minimal}bord: sim\n`, 6, /"bord"/],
    ["a missing member", "board: sim\n", 1, /"fleet"/],
    ["a wrong type", `${minimal}groupCommitMs: soon\n`, 6, /integer/],
    ["a nested unknown member", `${minimal}vm:\n  maxRuns: 4\n  turbo: true\n`, 8, /"turbo"/],
    ["a value out of range", `${minimal}vm:\n  maxRuns: 400\n`, 7, /16/],
    ["broken YAML", `${minimal}vm: [1, 2\n`, 7, /syntax/],
    ["a repeated member", `${minimal}board: raspberry-pi-4\n`, 6, /unique/],
    ["an alias bomb", `${minimal}vm: &a {maxRuns: 4}\ngossip: *a\n`, 0, /./],
    [
      "both kinds of broker",
      `${minimal}broker: {url: "mqtt://x", embedded: {host: h, port: 1}}\n`,
      6,
      /exactly one/,
    ],
  ])("is refused for %s with its line and a remedy", (_name, text, line, why) => {
    let error: unknown;
    try {
      parseConfig(text, "imud.yaml");
    } catch (caught) {
      error = caught;
    }

    expect(error).toBeDefined();
    expect(String(error)).toMatch(why);
    if (line > 0) {
      expect(error).toMatchObject({ code: "config_invalid", details: { path: "imud.yaml", line } });
      expect(String(error)).toContain("Remedy:");
    }
  });

  test("names the missing file and how to create it", async () => {
    await expect(loadConfig(new NodeFiles(), "/nonexistent/imud.yaml")).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("imuctl init --config /nonexistent/imud.yaml"),
    });
  });
});
