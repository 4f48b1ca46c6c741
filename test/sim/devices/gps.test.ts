import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GpsModel } from "../../../sim/devices/gps.ts";
import { type GpsFix, gga, nmeaSentence, rmc } from "../../../sim/devices/nmea.ts";

const SECOND = 1_000_000;
const CHARACTER = 1042;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const FIX: GpsFix = { lat: 32.0853, lon: 34.7818, satellites: 8, hdop: 0.9, altitudeM: 34 };

function aReceiver(options: Partial<ConstructorParameters<typeof GpsModel>[0]> = {}) {
  return new GpsModel({
    fixAt: () => FIX,
    wallMsAt: (atUs) => Date.UTC(2024, 1, 29, 23, 59, 0) + Math.floor(atUs / 1000),
    ...options,
  });
}

describe("NMEA sentences", () => {
  it.each([
    "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47",
    "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A",
    "$GPGLL,4916.45,N,12311.12,W,225444,A*31",
  ])("have the checksum of %s", (sentence) => {
    expect(nmeaSentence(sentence.slice(1, -3))).toBe(`${sentence}\r\n`);
  });

  it("carry sixty minutes into the degree, up to the pole and the date line", () => {
    const place = (lat: number, lon: number) =>
      gga("0", { ...FIX, lat, lon })
        .split(",")
        .slice(2, 6)
        .join(",");

    expect(place(51.99999999, 7.99999999)).toBe("5200.0000,N,00800.0000,E");
    expect(place(-89.99999999, -179.99999999)).toBe("9000.0000,S,18000.0000,W");
    expect(place(-0.5, -0.5)).toBe("0030.0000,S,00030.0000,W");
    expect(place(0.99999, 9.9)).toBe("0059.9994,N,00954.0000,E");
  });

  it("read back within half of the last digit, with minutes below 60", () => {
    fc.assert(
      fc.property(fc.double({ min: -90, max: 90, noNaN: true }), (lat) => {
        const [angle = "", side] = gga("0", { ...FIX, lat })
          .split(",")
          .slice(2, 4);
        const minutes = Number(angle.slice(2));
        const degrees = (Number(angle.slice(0, 2)) + minutes / 60) * (side === "S" ? -1 : 1);

        expect(angle).toMatch(/^\d{4}\.\d{4}$/);
        expect(minutes).toBeLessThan(60);
        expect(Math.abs(degrees - lat)).toBeLessThan(0.00005 / 60 + 1e-9);
      }),
    );
  });

  it("have empty fields without a fix, and all their fields", () => {
    expect(gga("", null)).toBe("$GPGGA,,,,,,0,00,,,M,,M,,*66\r\n");
    expect(gga("101500.00", null).split(",")).toHaveLength(15);
    expect(rmc("101500.00", "290224", null)).toMatch(
      /^\$GPRMC,101500\.00,V,,,,,,,290224,,\*[0-9A-F]{2}\r\n$/,
    );
    expect(rmc("101500.00", "290224", FIX).split(",")).toHaveLength(12);
    expect(rmc("1", "2", { ...FIX, speedKnots: 22.44, courseDeg: 84.4 })).toContain(",22.4,84.4,2,,");
  });
});

describe("a GPS receiver", () => {
  it("knows neither place nor time for 30 s after power-up", () => {
    const gps = aReceiver();

    const cold = gga("", null) + rmc("", "", null);
    expect(text(gps.sentBetween(0, 29.9 * SECOND))).toBe(cold.repeat(30));
    expect(text(gps.sentBetween(30 * SECOND, 30.9 * SECOND))).toBe(
      gga("235930.00", FIX) + rmc("235930.00", "290224", FIX),
    );
  });

  it("keeps the time when it loses the sky, and turns the date at midnight", () => {
    const gps = aReceiver({ fixAt: (atUs) => (atUs < 60 * SECOND ? FIX : null) });

    expect(text(gps.sentBetween(60 * SECOND, 60.9 * SECOND))).toBe(
      gga("000000.00", null) + rmc("000000.00", "010324", null),
    );
  });

  it("sends each byte once, whoever looks when, and says when the next one is out", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 20 });

    fc.assert(
      fc.property(cuts, (steps) => {
        let draws = 0;
        const gps = aReceiver({ coldStartUs: 0, fixAt: () => ({ ...FIX, altitudeM: draws++ }) });
        let nowUs = 0;
        let seen = "";
        for (const step of steps) {
          seen += text(gps.sentBetween(nowUs, nowUs + step));
          nowUs += step;
        }

        const whole = aReceiver({ coldStartUs: 0, fixAt: (atUs) => ({ ...FIX, altitudeM: atUs / SECOND }) });
        expect(seen).toBe(text(whole.sentBetween(0, nowUs)));
        const nextUs = gps.nextSentUs(nowUs) ?? 0;
        expect(gps.sentBetween(nowUs, nextUs - 1)).toHaveLength(0);
        expect(gps.sentBetween(nextUs - 1, nextUs)).toHaveLength(1);
      }),
    );
  });

  it("falls silent in the middle of a byte without power, and starts cold", () => {
    const gps = aReceiver();
    gps.powerCut(40 * SECOND + 10 * CHARACTER + 5);

    expect(text(gps.sentBetween(40 * SECOND, 50 * SECOND))).toBe("$GPGGA,235");
    expect(gps.nextSentUs(50 * SECOND)).toBeNull();

    gps.powerOn(50.5 * SECOND);
    expect(gps.nextSentUs(50.5 * SECOND)).toBe(51 * SECOND + CHARACTER);
    expect(text(gps.sentBetween(50.5 * SECOND, 51.5 * SECOND))).toContain("$GPGGA,,,,,,0,00");
    expect(text(gps.sentBetween(79.9 * SECOND, 80.4 * SECOND))).toContain(",,,,,0,00");
    expect(text(gps.sentBetween(80.9 * SECOND, 81.4 * SECOND))).toContain(",1,08,");
  });
});
