import { expect, test } from "vitest";
import { applicableRates } from "../../firmware/capabilities/gate/rates.ts";
import type { CompiledPolicy } from "../../firmware/policy/types.ts";

const policyWith = (perTopic: object): CompiledPolicy =>
  ({ compiled: { rates: { perTopic } } }) as unknown as CompiledPolicy;
const call = (target: string) => ({
  subject: "program:a",
  capability: "gpio.read",
  target,
  rate: { rps: 100, burst: 50 },
});
const topicOf = (perTopic: object, target: string) =>
  applicableRates(policyWith(perTopic), call(target)).find(({ scope }) => scope === "topic");

test("topics under one glob do not share a bucket", () => {
  const rates = { "**": { rps: 50, burst: 100 } };
  const left = topicOf(rates, "gpio://gpiochip0/17");
  const right = topicOf(rates, "gpio://gpiochip0/27");

  expect(left?.rate).toEqual({ rps: 50, burst: 100 });
  expect(left?.key).not.toBe(right?.key);
});

test("the most specific glob gives the rate, wherever it stands", () => {
  const wide = { rps: 50, burst: 100 };
  const narrow = { rps: 1, burst: 2 };

  expect(topicOf({ "**": wide, "gpio://**": narrow }, "gpio://gpiochip0/17")?.rate).toEqual(narrow);
  expect(topicOf({ "gpio://**": narrow, "**": wide }, "gpio://gpiochip0/17")?.rate).toEqual(narrow);
  expect(topicOf({ "**": wide, "gpio://**": narrow }, "i2c://1/0x76")?.rate).toEqual(wide);
});
