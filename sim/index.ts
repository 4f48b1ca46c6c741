/** The simulator's public face: virtual time, simulated hardware, worlds. */

export { FaultBoard, type SimFault } from "./board/faults.ts";
export { SimHardware, type SimHardwareOptions, type SimWiring } from "./board/sim-hardware.ts";
export { MemoryStore } from "./disk/memory-store.ts";
export { type ImagePart, type PowerCutResult, SimDisk, type SimDiskOptions } from "./disk/sim-disk.ts";
export { type ClockReading, type OscillatorState, readOscillator } from "./time/clock-reading.ts";
export { SeededEntropy } from "./time/entropy.ts";
export { type EventOrder, EventQueue } from "./time/event-queue.ts";
export { VirtualClock, VirtualTime } from "./time/virtual-clock.ts";
export { TraceHash, type TraceRecord } from "./trace/trace.ts";
export {
  createGreenhouseBoard,
  type GreenhouseBoard,
  type GreenhouseBoardOptions,
} from "./world/greenhouse.ts";
export { type GreenhouseState, GreenhouseWorld } from "./world/greenhouse-world.ts";
