import { expect, test } from "vitest";
import { parseSource } from "../../firmware/evidence/index.ts";

test("a serial port keeps the kernel's spelling, every other authority is lower case", () => {
  expect(parseSource("serial://ttyAMA0/latitude")?.authority).toBe("ttyAMA0");
  expect(parseSource("gpio://GPIOchip0/17")).toBeNull();
});
