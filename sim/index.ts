/** The simulator's public face: virtual time, simulated hardware, worlds. */
export { type ClockReading, type OscillatorState, readOscillator } from "./clock-reading.ts";
export { SeededEntropy } from "./entropy.ts";
export { type EventOrder, EventQueue } from "./event-queue.ts";
export { FaultBoard, type SimFault } from "./faults.ts";
export { createGreenhouseBoard, type GreenhouseBoard, type GreenhouseBoardOptions } from "./greenhouse.ts";
export { type GreenhouseState, GreenhouseWorld } from "./greenhouse-world.ts";
export { MemoryStore } from "./memory-store.ts";
export { SimHardware, type SimHardwareOptions, type SimWiring } from "./sim-hardware.ts";
export { TraceHash, type TraceRecord } from "./trace.ts";
export { VirtualClock, VirtualTime } from "./virtual-clock.ts";
