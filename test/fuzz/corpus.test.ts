/** Every input that a fuzzer kept still runs without breaking a law, in time. */
import { describe, expect, it } from "vitest";
import { loadCorpus, MAX_CORPUS_BYTES, MAX_CORPUS_FILES } from "./corpus.ts";
import { TARGETS, targetOf } from "./targets/index.ts";

/** One input, on a busy machine. */
const MOST_MS = 2000;

describe.each([...TARGETS.keys()])("the corpus of the fuzz target %s", (name) => {
  it("holds few and small inputs, and there are some", async () => {
    const corpus = loadCorpus(await targetOf(name));

    expect(corpus.length).toBeGreaterThan(0);
    expect(corpus.length).toBeLessThanOrEqual(MAX_CORPUS_FILES);
    expect(corpus.filter(({ input }) => input.length > MAX_CORPUS_BYTES)).toEqual([]);
  });

  it("breaks no law and takes no more than two seconds each", async () => {
    const target = await targetOf(name);
    const slow: string[] = [];
    for (const { name: file, input } of loadCorpus(target)) {
      const started = performance.now();
      expect(() => target.run(input), file).not.toThrow();
      if (performance.now() - started > MOST_MS) slow.push(file);
    }

    expect(slow).toEqual([]);
  });
});
