/** The optional native packages and the versions this release was written for; remedies name them. */
export const MODULE_VERSIONS: Readonly<Record<string, string>> = {
  onoff: "6.0.3",
  "i2c-bus": "5.2.3",
  "spi-device": "3.1.2",
  serialport: "13.0.0",
};
