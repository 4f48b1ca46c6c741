/** The search itself: it notices a broken law, makes its input small, and keeps what is new. */
import { describe, expect, it } from "vitest";
import { FuzzCampaign } from "./campaign.ts";
import { distilled } from "./corpus.ts";
import { withoutStretches } from "./mutate-bytes.ts";
import { bytesOf, type Target, textOf } from "./target.ts";
import { Watch } from "./watch.ts";

const aTarget = (run: (text: string) => readonly string[]): Target => ({
  name: "none",
  maxHeapBytes: 16 * 2 ** 20,
  triesForFind: 100,
  run: (input) => run(textOf(input)),
  generate: (random) => bytesOf(Array.from({ length: 12 }, () => random.pick(["a", "b", "[", "x"])).join("")),
  mutate: (input, other) => bytesOf(textOf(other) + textOf(input)),
  *simpler(input) {
    for (const text of withoutStretches(textOf(input), (a, b) => a + b)) yield bytesOf(text);
  },
});

function aCampaign(target: Target, inputs: number): FuzzCampaign {
  let left = inputs;
  const nothing = () => undefined;
  return new FuzzCampaign(target, 1, { begin: nothing, end: nothing, isTimeUp: () => left-- <= 0 });
}

describe("a fuzz campaign", () => {
  it("finds an input that throws and leaves only what makes it throw", () => {
    const target = aTarget((text) => {
      if (text.includes("[x")) throw new TypeError("position 7");
      return [];
    });

    const found = aCampaign(target, 500).run();

    expect(textOf(found?.input ?? bytesOf(""))).toBe("[x");
    expect(found?.problem).toMatch(/^TypeError: position 7/);
  });

  it("finds an input that takes too much memory", () => {
    const kept: unknown[] = [];
    const target = aTarget((text) => {
      if (text.startsWith("b")) kept.push(Array.from({ length: 500_000 }, (_, i) => ({ i })));
      return [];
    });

    expect(aCampaign(target, 50).run()?.problem).toMatch(/the heap grew by \d+ MiB/);
  });

  it("keeps the inputs that show something new, as few as show it all", () => {
    const campaign = aCampaign(
      aTarget((text) => [...new Set(text)].map((letter) => `letter:${letter}`)),
      500,
    );

    expect(campaign.run()).toBeNull();
    expect(campaign.features).toBe(4);
    expect(distilled(campaign.entries).flatMap(({ features }) => features).length).toBeGreaterThanOrEqual(4);
  });

  it("shows the input at work to whoever watches, and none between two", () => {
    const worker = new Watch();
    const driver = new Watch(worker.buffer);

    worker.begin(bytesOf("abc"));
    const during = driver.current();
    worker.end();

    expect(textOf(during?.input ?? bytesOf(""))).toBe("abc");
    expect(driver.current()).toBeNull();
  });
});
