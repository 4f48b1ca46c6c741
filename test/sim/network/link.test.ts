import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { topicMatches } from "../../../firmware/core/topic-filter.ts";
import { hostileFate, type LinkConfig } from "../../../sim/network/link-model.ts";
import { publishBytes } from "../../../sim/network/messages.ts";
import { SubscriptionTree } from "../../../sim/network/subscriptions.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { SimSite, STEADY } from "./site.ts";

const LIVE = { qos: 1, retain: false } as const;
const DELAYS = {
  minUs: fc.integer({ min: 1, max: 50_000 }),
  spreadUs: fc.integer({ min: 0, max: 200_000 }),
  tailP: fc.double({ min: 0, max: 1, noNaN: true }),
  tailUs: fc.integer({ min: 0, max: 900_000 }),
};
const probability = fc.double({ min: 0, max: 0.5, noNaN: true });
const seeds = fc.string({ minLength: 1, maxLength: 8 });

describe("a faithful link", () => {
  it("delivers what one publisher sends, once and in order, whatever its delays and losses", async () => {
    const links = fc.record({ ...DELAYS, loss: fc.double({ min: 0, max: 0.3, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(seeds, links, fc.integer({ min: 1, max: 20 }), async (seed, link, receiveMaximum) => {
        const site = new SimSite({ seed, link: { ...link, retries: 40 }, broker: { receiveMaximum } });
        const heard: string[] = [];
        const limits = { connectTimeoutMs: 1e9, ackTimeoutMs: 1e9, keepaliveSeconds: 0 };
        const b = await site.opened("b", {
          ...limits,
          onMessage: ({ payload }) => heard.push(fromUtf8(payload)),
        });
        await site.time.settle(b.subscribe(["t"]), 1e9);
        const a = await site.opened("a", limits);
        const sent = Array.from({ length: 60 }, (_, i) => `m${i}`);
        await site.time.settle(Promise.all(sent.map((word) => a.publish("t", utf8(word), LIVE))), 1e9);
        await site.until("all", () => heard.length >= sent.length, 3_600_000);
        expect(heard).toEqual(sent);
      }),
      { numRuns: 40 },
    );
  });

  it("takes the time its bandwidth needs, one packet after the other", async () => {
    const site = new SimSite();
    const atUs: number[] = [];
    site.network.tap(({ kind, atUs: at }) => kind === "accepted" && atUs.push(at));
    const a = await site.opened("a");
    site.network.setLink("a", { bandwidthBps: 8000 });
    const startUs = site.time.nowUs;
    const payload = new Uint8Array(993);
    expect(publishBytes({ topic: "t", payload, qos: 0 })).toBe(1000);
    for (let i = 0; i < 3; i++) await a.publish("t", payload, { qos: 0, retain: false });
    await site.time.runFor(5000);
    // 1000 bytes are 8000 bits: a second each, then 5 ms of latency.
    expect(atUs.map((at) => at - startUs)).toEqual([1_005_000, 2_005_000, 3_005_000]);
  });

  it("resets a connection whose segment was lost too often", async () => {
    const site = new SimSite({ link: { ...STEADY, loss: 1, retries: 3 } });
    const a = site.connection("a");
    await expect(site.time.settle(a.open())).rejects.toMatchObject({ code: "link_down" });
    expect(a.problem).toBe("read ECONNRESET");
  });
});

describe("a hostile link", () => {
  const hostile = fc.record({ ...DELAYS, loss: probability, duplicate: probability });
  const spaced = { qos: 0, retain: false } as const;

  const predicted = (seed: string, actor: string, link: LinkConfig, sentUs: readonly number[]) => {
    const entropy = new SeededEntropy(seed, `link:${actor}`);
    return sentUs.flatMap((at, i) => hostileFate(entropy, link).map((delay) => `${at + delay} m${i}`)).sort();
  };

  it("gives each message on its way to the broker the fate that was drawn for it", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, hostile, async (seed, link) => {
        const site = new SimSite({ seed, link: { ...link, mode: "hostile" } });
        const accepted: string[] = [];
        site.network.tap(({ kind, atUs, payload }) => {
          if (kind === "accepted") accepted.push(`${atUs} ${fromUtf8(payload)}`);
        });
        const a = await site.opened("a");
        const sentUs: number[] = [];
        for (let i = 0; i < 20; i++) {
          sentUs.push(site.time.nowUs);
          await a.publish("t", utf8(`m${i}`), spaced);
          await site.time.runFor(20);
        }
        await site.time.runFor(3000);
        expect(accepted.sort()).toEqual(predicted(seed, "a", link, sentUs));
      }),
      { numRuns: 40 },
    );
  });

  it("gives each message on its way to a receiver the fate that was drawn for it", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, hostile, async (seed, link) => {
        const site = new SimSite({ seed, link: { ...link, mode: "hostile" } });
        const heard: string[] = [];
        const onMessage = ({ payload }: { readonly payload: Uint8Array }) =>
          heard.push(`${site.time.nowUs} ${fromUtf8(payload)}`);
        const b = await site.opened("b", { onMessage });
        await site.time.settle(b.subscribe(["t"]));
        const other = site.network.adversary("other");
        other.connect();
        const sentUs: number[] = [];
        // More than the window: what is lost does not count as unacknowledged for ever.
        for (let i = 0; i < 60; i++) {
          sentUs.push(site.time.nowUs);
          other.publish("t", utf8(`m${i}`));
          await site.time.runFor(200);
        }
        await site.time.runFor(3000);
        expect(heard.sort()).toEqual(predicted(seed, "b", link, sentUs));
      }),
      { numRuns: 15 },
    );
  });

  it("lets the publisher of a lost message wait in vain", async () => {
    const site = new SimSite({ link: { ...STEADY, mode: "hostile", loss: 1 } });
    const a = await site.opened("a");
    await expect(site.time.settle(a.publish("t", utf8("m"), LIVE))).rejects.toMatchObject({
      code: "link_down",
    });
    expect(a.problem).toBe("The broker did not acknowledge in time.");
  });
});

describe("the tree of subscriptions", () => {
  const level = fc.constantFrom("a", "b", "", "$x");
  const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
  const filters = fc
    .tuple(fc.array(fc.constantFrom("a", "b", "", "+", "$x"), { maxLength: 3 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open || levels.length === 0 ? ["#"] : [])].join("/"));

  it("selects exactly the filters that match, also after changes", () => {
    const changes = fc.array(fc.record({ filter: filters, add: fc.boolean() }), { maxLength: 30 });
    fc.assert(
      fc.property(changes, topics, (steps, topic) => {
        const tree = new SubscriptionTree<string>();
        const present = new Set<string>();
        for (const { filter, add } of steps) {
          if (add) tree.add(filter, filter, 1);
          else tree.remove(filter, filter);
          if (add) present.add(filter);
          else present.delete(filter);
          const found = tree.receivers(topic).direct.map(({ session }) => session);
          expect(found.sort()).toEqual([...present].filter((one) => topicMatches(one, topic)).sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});
