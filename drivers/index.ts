/** Device drivers over the hardware ports; providers of real buses are in `providers/` and loaded by the composition. */
export { Ads1115 } from "./devices/ads1115.ts";
export { Bme280, type ClimateReading } from "./devices/bme280.ts";
export { Mcp3008 } from "./devices/mcp3008.ts";
export { type GpsQuantity, NmeaGps } from "./devices/nmea-gps.ts";
export { SensorRegistry } from "./devices/registry.ts";
export { Relay } from "./devices/relay.ts";
export type { ChannelConfig, Measurement, Reading, ReadingQuality, SensorDriver } from "./devices/sensor.ts";
export { Sht31 } from "./devices/sht31.ts";
export { Switch } from "./devices/switch.ts";
