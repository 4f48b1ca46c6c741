/** Real buses of a Linux board. Importing this loads nothing native. */
export { type KernelChip, listKernelChips } from "./gpio-chips.ts";
export { type LinuxBoard, LinuxHardware, type LinuxHardwareOptions } from "./linux-hardware.ts";
export { type LoadModule, loadNativeModule, type NativeModules } from "./native-modules.ts";
export { type NodeState, type SystemAccess, systemAccess } from "./system-access.ts";
