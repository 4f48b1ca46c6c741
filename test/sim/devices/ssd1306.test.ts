import { describe, expect, it } from "vitest";
import { Ssd1306Model } from "../../../sim/devices/ssd1306.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";

/** The initialisation of the data sheet's application note (SSD1306, figure 2), upright on the usual module. */
const INIT = [
  0xa8, 0x3f, 0xd3, 0x00, 0x40, 0xa1, 0xc8, 0xda, 0x12, 0x81, 0x7f, 0xa4, 0xa6, 0xd5, 0x80, 0x8d, 0x14, 0xaf,
];

function aDisplay(...setup: number[]) {
  const model = new Ssd1306Model();
  const commands = (...bytes: number[]) => model.write(Uint8Array.of(0x00, ...bytes));
  const data = (...bytes: number[]) => model.write(Uint8Array.of(0x40, ...bytes));
  if (setup.length > 0) commands(...setup);
  /** The cells of the RAM that are not 0, as page:segment=value. */
  const cells = () =>
    [...model.ram()].flatMap((byte, i) => (byte ? [`${i >> 7}:${i & 127}=${byte.toString(16)}`] : []));
  const lit = () => {
    const pixels: string[] = [];
    for (let y = 0; y < 64; y++)
      for (let x = 0; x < 128; x++) if (model.pixel(x, y)) pixels.push(`${x},${y}`);
    return pixels;
  };
  return { model, commands, data, cells, lit };
}

describe("the SSD1306's addressing (rev 1.1, chapter 10.1.3)", () => {
  it("starts in page mode: the column counts and wraps inside its page", () => {
    const { data, commands, cells } = aDisplay();
    commands(0xb2, 0x0e, 0x17);
    data(1, 2, 3);

    expect(cells()).toEqual(["2:0=3", "2:126=1", "2:127=2"]);
  });

  it("goes through a window row by row in horizontal mode", () => {
    const { data, cells } = aDisplay(0x20, 0x00, 0x21, 10, 11, 0x22, 1, 2);
    data(1, 2, 3, 4, 5);

    expect(cells()).toEqual(["1:10=5", "1:11=2", "2:10=3", "2:11=4"]);
  });

  it("goes through a window column by column in vertical mode", () => {
    const { data, cells } = aDisplay(0x20, 0x01, 0x21, 10, 11, 0x22, 1, 2);
    data(1, 2, 3, 4, 5);

    expect(cells()).toEqual(["1:10=5", "1:11=3", "2:10=2", "2:11=4"]);
  });

  it("ignores the page mode's pointers in the other modes", () => {
    const { data, cells } = aDisplay(0x20, 0x00, 0xb3, 0x05, 0x12);
    data(1);

    expect(cells()).toEqual(["0:0=1"]);
  });

  it("maps column 0 to SEG127 with A1h, for data that comes after it (10.1.8)", () => {
    const { data, commands, cells } = aDisplay();
    data(1);
    commands(0xa1, 0x00, 0x10);
    data(2);

    expect(cells()).toEqual(["0:0=1", "0:127=2"]);
  });
});

describe("the SSD1306's messages (8.1.5.2)", () => {
  it("carry one byte after a control byte with Co and the rest without", () => {
    const { model, cells } = aDisplay();
    model.write(Uint8Array.of(0x80, 0xb1, 0x80, 0x05, 0xc0, 0xaa, 0x40, 0xbb, 0xcc));

    expect(cells()).toEqual(["1:5=aa", "1:6=bb", "1:7=cc"]);
  });

  it("may bring a command and its argument in messages of their own", () => {
    const { model, commands } = aDisplay();
    commands(0x81);
    commands(0xcf);

    expect(model.contrast).toBe(0xcf);
    expect(model.isOn).toBe(false);
  });

  it("show in the status byte whether the display is off", () => {
    const { model, commands } = aDisplay();
    expect([...model.read(1)]).toEqual([0x40]);
    commands(0xaf);
    expect([...model.read(1)]).toEqual([0x00]);
  });
});

describe("the SSD1306's picture", () => {
  it("is upright after the usual initialisation: bit 0 of the first byte is the upper left pixel", () => {
    const { data, lit } = aDisplay(...INIT);
    data(0x81);

    expect(lit()).toEqual(["0,0", "0,7"]);
  });

  it("stands on its head without A1h and C8h", () => {
    const { data, lit } = aDisplay(0x8d, 0x14, 0xaf);
    data(0x01);

    expect(lit()).toEqual(["127,63"]);
  });

  it("is dark while the display or its charge pump is off", () => {
    const { data, commands, lit } = aDisplay(0xaf);
    data(0xff);
    expect(lit()).toEqual([]);
    commands(0x8d, 0x14);
    expect(lit().length).toBe(8);
    commands(0xae);
    expect(lit()).toEqual([]);
  });

  it("can be inverted, lit as a whole, and moved by the start line and the offset", () => {
    const { data, commands, lit } = aDisplay(...INIT);
    data(0x01);
    commands(0xa7);
    expect(lit().length).toBe(128 * 64 - 1);
    commands(0xa6, 0xa5);
    expect(lit().length).toBe(128 * 64);
    commands(0xa4, 0x41);
    expect(lit()).toEqual(["0,63"]);
    commands(0x40, 0xd3, 0x04);
    expect(lit()).toEqual(["0,60"]);
  });

  it("has as many rows as the multiplex ratio", () => {
    const { commands, lit } = aDisplay(...INIT);
    commands(0xa8, 0x1f, 0xa5);

    expect(lit().length).toBe(128 * 32);
  });

  it("reads as half blocks in 32 lines of 128 characters", () => {
    const { model, data } = aDisplay(...INIT);
    data(0b0000_0111, 0b0000_0010, 0b0000_0001);
    const [first = "", second = ""] = model.textArt();

    expect(model.textArt().map((line) => line.length)).toEqual(Array.from({ length: 32 }, () => 128));
    expect([first.trimEnd(), second.trimEnd()]).toEqual(["█▄▀", "▀"]);
  });

  it("is off with noise in the RAM after a power cut, as nobody promises what is there", () => {
    const { model, commands, lit } = aDisplay(...INIT);
    model.powerCut(0, new SeededEntropy("1", "oled"));
    expect(lit()).toEqual([]);
    commands(...INIT);

    expect(lit().length).toBeGreaterThan(3000);
    expect(lit().length).toBeLessThan(5000);
  });
});
