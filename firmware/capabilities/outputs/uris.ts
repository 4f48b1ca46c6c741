/** Addresses of hardware as policy writes them: parsed, never put together from free text. */
export type HardwareUri =
  | { readonly scheme: "gpio"; readonly chip: string; readonly line: number }
  | { readonly scheme: "i2c"; readonly bus: number; readonly address: number }
  | { readonly scheme: "spi"; readonly bus: number; readonly chipSelect: number }
  | { readonly scheme: "serial"; readonly port: string }
  | { readonly scheme: "mqtt"; readonly broker: string; readonly topic: string };

const GPIO = /^gpio:\/\/([a-z0-9]+)\/(\d{1,3})$/;
const I2C = /^i2c:\/\/(\d{1,3})\/0x([0-9a-f]{2})(?:\/[^/]+)*$/;
const SPI = /^spi:\/\/(\d{1,3})\.(\d{1,3})(?:\/[^/]+)*$/;
const SERIAL = /^serial:\/\/([A-Za-z0-9]+)(?:\/[^/]+)*$/;
const MQTT = /^mqtt:\/\/([^/]+)\/(.+)$/;

/** The parts of an address, or null if it is none of these schemes. */
export function parseUri(uri: string): HardwareUri | null {
  const gpio = GPIO.exec(uri);
  if (gpio) return { scheme: "gpio", chip: gpio[1] ?? "", line: Number(gpio[2]) };
  const i2c = I2C.exec(uri);
  if (i2c) return { scheme: "i2c", bus: Number(i2c[1]), address: Number.parseInt(i2c[2] ?? "", 16) };
  const spi = SPI.exec(uri);
  if (spi) return { scheme: "spi", bus: Number(spi[1]), chipSelect: Number(spi[2]) };
  const serial = SERIAL.exec(uri);
  if (serial) return { scheme: "serial", port: serial[1] ?? "" };
  const mqtt = MQTT.exec(uri);
  return mqtt ? { scheme: "mqtt", broker: mqtt[1] ?? "", topic: mqtt[2] ?? "" } : null;
}

const hexByte = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/** The address of the device itself, without channels: the policy topic of raw access. */
export function deviceUri(uri: HardwareUri): string {
  switch (uri.scheme) {
    case "gpio":
      return `gpio://${uri.chip}/${uri.line}`;
    case "i2c":
      return `i2c://${uri.bus}/${hexByte(uri.address)}`;
    case "spi":
      return `spi://${uri.bus}.${uri.chipSelect}`;
    case "serial":
      return `serial://${uri.port}`;
    default:
      return `mqtt://${uri.broker}/${uri.topic}`;
  }
}

/** What must exist for the address to be used, as `Hardware.probe` names it. */
export function resourceOf(uri: HardwareUri): string | null {
  switch (uri.scheme) {
    case "gpio":
      return `gpio:${uri.chip}`;
    case "i2c":
      return `bus:i2c:${uri.bus}`;
    case "spi":
      return `bus:spi:${uri.bus}.${uri.chipSelect}`;
    case "serial":
      return `serial:${uri.port}`;
    default:
      return null;
  }
}

/** Calls on one bus exclude each other; GPIO lines are independent. */
export function exclusiveOf(uri: HardwareUri): string | null {
  switch (uri.scheme) {
    case "i2c":
      return `i2c:${uri.bus}`;
    case "spi":
      return `spi:${uri.bus}`;
    case "mqtt":
      return null;
    default:
      return deviceUri(uri);
  }
}
