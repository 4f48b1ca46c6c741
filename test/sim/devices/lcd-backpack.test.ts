import { describe, expect, it } from "vitest";
import { LcdBackpackModel } from "../../../sim/devices/lcd-backpack.ts";

const RS = 1;
const RW = 2;
const E = 4;
const LIGHT = 8;

/** A driver as the data sheet wants it, with the shortest waits it allows unless told otherwise. */
function aDisplay(options: { readonly clearUs?: number; readonly startUs?: number } = {}) {
  const model = new LcdBackpackModel();
  let nowUs = options.startUs ?? 50_000;
  const wait = (us: number) => {
    nowUs += us;
  };
  const nibble = (value: number, flags: number) => {
    const port = (value << 4) | flags | LIGHT;
    // Address and two bytes at 100 kHz; the second byte ends with the message.
    wait(290);
    model.write(Uint8Array.of(port | E, port), nowUs);
  };
  const byte = (value: number, flags = 0) => {
    nibble(value >> 4, flags);
    nibble(value & 15, flags);
  };
  const command = (value: number) => {
    byte(value);
    if (value < 4) wait(options.clearUs ?? 1520);
  };
  const print = (text: string) => {
    for (const character of text) byte(character.charCodeAt(0), RS);
  };
  /** Hitachi HD44780U, figure 24: initialising by instruction, 4 bits. */
  const initialise = () => {
    for (const us of [4100, 100, 100]) {
      nibble(3, 0);
      wait(us);
    }
    nibble(2, 0);
    for (const value of [0x28, 0x08, 0x01, 0x06, 0x0c]) command(value);
  };
  return { model, wait, nibble, byte, command, print, initialise, now: () => nowUs };
}

const pad = (text: string) => text.padEnd(16);

describe("the HD44780 behind its backpack", () => {
  it("shows two lines after the 4-bit initialisation of figure 24", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("Temp 21.5");
    lcd.byte(0xdf, RS);
    lcd.print("C");
    lcd.command(0xc0);
    lcd.print("Pump on");

    expect(lcd.model.lines()).toEqual([pad("Temp 21.5°C"), pad("Pump on")]);
    expect([lcd.model.lost, lcd.model.backlight]).toEqual([0, true]);
  });

  it("can be initialised again after a reboot of the board in the middle of a byte", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("old");
    lcd.nibble(4, RS);
    lcd.initialise();
    lcd.print("new");

    expect(lcd.model.lines()).toEqual([pad("new"), pad("")]);
  });

  it("loses what comes while it clears for 1.52 ms, and before 15 ms of supply", () => {
    const hasty = aDisplay({ clearUs: 0 });
    hasty.initialise();
    expect(hasty.model.lost).toBeGreaterThan(0);

    const early = aDisplay({ startUs: 0 });
    early.nibble(3, 0);
    expect(early.model.lost).toBe(1);
  });

  it("tells by the busy flag when it is ready, with the address counter (table 6)", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("abc");
    const status = (atUs: number) => {
      const read = [0, 1].map(() => {
        lcd.model.write(Uint8Array.of(0xf0 | RW | E | LIGHT), atUs - 500);
        const [port = 0] = lcd.model.read(1, atUs);
        lcd.model.write(Uint8Array.of(0xf0 | RW | LIGHT), atUs);
        return port >> 4;
      });
      return ((read[0] ?? 0) << 4) | (read[1] ?? 0);
    };
    lcd.wait(41);
    expect(status(lcd.now())).toBe(3);

    lcd.byte(0x01);
    expect(status(lcd.now()) & 0x80).toBe(0x80);
    expect(status(lcd.now() + 1520)).toBe(0);
  });

  it("moves on from the end of the first line to the second and back (figure 9)", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.command(0x80 | 0x26);
    lcd.print("abcd");
    lcd.command(0x80 | 0x66);
    lcd.print("wxyz");

    expect(lcd.model.lines()).toEqual([pad("yz"), pad("cd")]);
  });

  it("shifts the display and comes home", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("abc");
    lcd.command(0x18);
    expect(lcd.model.lines()[0]).toBe(pad("bc"));
    lcd.command(0x1c);
    lcd.command(0x1c);
    expect(lcd.model.lines()[0]).toBe(pad(" abc"));
    lcd.command(0x02);

    expect(lcd.model.lines()[0]).toBe(pad("abc"));
  });

  it("writes to the left with a decrementing entry mode, and keeps characters through display off", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.command(0x04);
    lcd.command(0x85);
    lcd.print("cba");
    lcd.command(0x08);
    expect(lcd.model.lines()).toEqual([pad(""), pad("")]);
    lcd.command(0x0c);

    expect(lcd.model.lines()[0]).toBe(pad("   abc"));
  });

  it("keeps user characters out of the text", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("x");
    lcd.command(0x40);
    lcd.print("12345678");
    lcd.command(0x81);
    lcd.byte(0x00, RS);

    expect(lcd.model.lines()[0]).toBe(pad("x▯"));
  });

  it("is dark and empty after a power cut", () => {
    const lcd = aDisplay();
    lcd.initialise();
    lcd.print("abc");
    lcd.model.powerCut(lcd.now());

    expect(lcd.model.lines()).toEqual([pad(""), pad("")]);
    expect(lcd.model.backlight).toBe(false);
  });
});
