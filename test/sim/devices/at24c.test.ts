import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AT24C32, AT24C256, At24cModel, type At24cPart } from "../../../sim/devices/at24c.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";

const CYCLE_US = 5000;
const at = (address: number, ...data: number[]) => Uint8Array.of(address >> 8, address & 0xff, ...data);

function aMemory(part: At24cPart, contents?: Uint8Array) {
  const model = new At24cModel({ part, ...(contents ? { contents } : {}) });
  const readAt = (address: number, length: number, nowUs: number) => {
    model.write(at(address), nowUs);
    return [...(model.read(length, nowUs) ?? [])];
  };
  return { model, readAt };
}

describe("the AT24C EEPROM (Atmel 0336, device operation)", () => {
  it("acknowledges nothing for 5 ms after a write, then reads what was written (acknowledge polling)", () => {
    const { model, readAt } = aMemory(AT24C32);

    expect(model.write(at(0x123, 1, 2, 3), 0)).toBe(true);
    expect(model.write(new Uint8Array(0), CYCLE_US - 1)).toBe(false);
    expect(model.write(at(0x123), CYCLE_US - 1)).toBe(false);
    expect(model.read(1, CYCLE_US - 1)).toBeNull();

    expect(model.write(new Uint8Array(0), CYCLE_US)).toBe(true);
    expect(readAt(0x122, 5, CYCLE_US)).toEqual([0xff, 1, 2, 3, 0xff]);
  });

  it.each([
    ["AT24C32", AT24C32, 32],
    ["AT24C256", AT24C256, 64],
  ])("%s wraps a write at the end of its page of %i bytes", (_name, part, page) => {
    const { model, readAt } = aMemory(part);
    model.write(at(2 * page - 2, 1, 2, 3, 4), 0);

    expect(readAt(page, 2, CYCLE_US)).toEqual([3, 4]);
    expect(readAt(2 * page - 2, 3, CYCLE_US)).toEqual([1, 2, 0xff]);
  });

  it("lets the later bytes of more than a page win", () => {
    const { model, readAt } = aMemory(AT24C32);
    model.write(at(0, ...Array.from({ length: 33 }, (_, i) => i)), 0);

    expect(readAt(0, 3, CYCLE_US)).toEqual([32, 1, 2]);
  });

  it("reads on from the last address, over the end of the memory to its start", () => {
    const contents = Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff);
    const { model, readAt } = aMemory(AT24C32, contents);

    expect(readAt(4094, 4, 0)).toEqual([0xfe, 0xff, 0, 1]);
    expect([...(model.read(2, 0) ?? [])]).toEqual([2, 3]);
    // The upper address bits are not there.
    expect(readAt(0xf010, 1, 0)).toEqual([0x10]);
  });

  it("leaves a page part old part new when the power goes in the write cycle, and only then", () => {
    const old = new Uint8Array(4096).fill(0xaa);
    const seen = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const { model, readAt } = aMemory(AT24C32, old);
      model.write(at(64, 1, 2, 3, 4), 0);
      model.powerCut(CYCLE_US - 1, new SeededEntropy(String(seed), "cut"));
      const page = readAt(64, 5, 2 * CYCLE_US);
      const k = page.indexOf(0xaa);
      seen.add(k);
      expect(page).toEqual([1, 2, 3, 4, 0xaa].map((byte, i) => (i < k ? byte : 0xaa)));
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);

    const { model, readAt } = aMemory(AT24C32, old);
    model.write(at(64, 1, 2, 3, 4), 0);
    model.powerCut(CYCLE_US, new SeededEntropy("1", "cut"));
    expect(readAt(64, 4, CYCLE_US)).toEqual([1, 2, 3, 4]);
  });

  it("behaves as an array for writes inside pages", () => {
    const write = fc.record({
      address: fc.integer({ min: 0, max: 4095 }),
      data: fc.uint8Array({ minLength: 1, maxLength: 32 }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const { model } = aMemory(AT24C32);
        const expected = new Uint8Array(4096).fill(0xff);
        writes.forEach(({ address, data }, i) => {
          const room = data.subarray(0, 32 - (address % 32));
          model.write(at(address, ...room), i * CYCLE_US);
          expected.set(room, address);
        });
        model.write(new Uint8Array(0), writes.length * CYCLE_US);
        expect(Buffer.compare(model.contents(), expected)).toBe(0);
      }),
    );
  });
});
