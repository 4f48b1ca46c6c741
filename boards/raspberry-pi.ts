import { headerLines } from "./raspberry-pi-header.ts";
import type { BoardDefinition, BoardPower, BoardRemedies } from "./types.ts";

const CHIP = "gpiochip0";

/** Remedies on Raspberry Pi OS (capabilities.md 8). */
export const RASPBERRY_PI_OS: BoardRemedies = {
  i2c: {
    howTo:
      "Enable the I2C controller (dtparam=i2c_arm=on in /boot/firmware/config.txt), then reboot the board.",
    commands: ["sudo raspi-config nonint do_i2c 0"],
  },
  spi: {
    howTo: "Enable the SPI controller (dtparam=spi=on in /boot/firmware/config.txt), then reboot the board.",
    commands: ["sudo raspi-config nonint do_spi 0"],
  },
  serial: {
    howTo: "Enable the UART (enable_uart=1) and take the login console off it, then reboot the board.",
    commands: ["sudo raspi-config nonint do_serial_hw 0", "sudo raspi-config nonint do_serial_cons 1"],
  },
  groups: { gpio: "gpio", i2c: "i2c", spi: "spi", serial: "dialout" },
};

/** The pins for the identification memory of add-on boards, used by the firmware at start. */
const ID_PINS = [0, 1].map((line) => ({
  chip: CHIP,
  line,
  why: "identification memory of add-on boards",
}));

interface PiVariant {
  readonly id: string;
  readonly title: string;
  readonly label: string;
  readonly lines: number;
  readonly power: Pick<BoardPower, "recommendedSupplyAmps" | "idleWatts" | "busyWatts">;
}

function raspberryPi({ id, title, label, lines, power }: PiVariant): BoardDefinition {
  return {
    id,
    title,
    chips: [{ name: CHIP, label, lines }],
    lines: headerLines(CHIP),
    reserved: ID_PINS,
    i2c: [{ bus: 1, node: "/dev/i2c-1", defaultHz: 100_000 }],
    spi: [
      { bus: 0, chipSelect: 0, node: "/dev/spidev0.0" },
      { bus: 0, chipSelect: 1, node: "/dev/spidev0.1" },
    ],
    serial: [
      { port: "ttyAMA0", node: "/dev/ttyAMA0" },
      { port: "ttyS0", node: "/dev/ttyS0" },
      { port: "serial0", node: "/dev/serial0" },
    ],
    remedies: RASPBERRY_PI_OS,
    power: { supplyVolts: 5.1, maxLineMilliamps: 16, maxAllLinesMilliamps: 50, ...power },
  };
}

export const raspberryPiZero2W = raspberryPi({
  id: "raspberry-pi-zero-2-w",
  title: "Raspberry Pi Zero 2 W",
  label: "pinctrl-bcm2835",
  lines: 54,
  power: { recommendedSupplyAmps: 2.5, idleWatts: 0.6, busyWatts: 2.9 },
});

export const raspberryPi3 = raspberryPi({
  id: "raspberry-pi-3",
  title: "Raspberry Pi 3 Model B+",
  label: "pinctrl-bcm2835",
  lines: 54,
  power: { recommendedSupplyAmps: 2.5, idleWatts: 1.9, busyWatts: 5.1 },
});

export const raspberryPi4 = raspberryPi({
  id: "raspberry-pi-4",
  title: "Raspberry Pi 4 Model B",
  label: "pinctrl-bcm2711",
  lines: 58,
  power: { recommendedSupplyAmps: 3, idleWatts: 2.7, busyWatts: 6.4 },
});

export const raspberryPi5 = raspberryPi({
  id: "raspberry-pi-5",
  title: "Raspberry Pi 5",
  label: "pinctrl-rp1",
  lines: 54,
  power: { recommendedSupplyAmps: 5, idleWatts: 2.7, busyWatts: 8.8 },
});
