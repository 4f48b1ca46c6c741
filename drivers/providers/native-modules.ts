/**
 * The optional native packages, loaded at first use and never by importing this file. Only the members used here
 * are described; the packages bring no types, or more than is needed.
 */
export interface OnoffLine {
  read(): Promise<number>;
  write(value: 0 | 1): Promise<void>;
  watch(callback: (error: Error | null | undefined, value: number) => void): void;
  unwatchAll(): void;
  direction(): string;
  unexport(): void;
}

export interface OnoffModule {
  readonly Gpio: new (
    line: number,
    direction: "in" | "high" | "low",
    edge?: "none" | "both",
    options?: { readonly activeLow: boolean },
  ) => OnoffLine;
}

export interface I2cHandle {
  i2cRead(address: number, length: number, buffer: Buffer): Promise<{ readonly bytesRead: number }>;
  i2cWrite(address: number, length: number, buffer: Buffer): Promise<{ readonly bytesWritten: number }>;
  /** One register byte, repeated start, at most 32 bytes. */
  readI2cBlock(
    address: number,
    register: number,
    length: number,
    buffer: Buffer,
  ): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

export interface I2cModule {
  openPromisified(bus: number): Promise<I2cHandle>;
}

export interface SpiMessage {
  readonly byteLength: number;
  readonly sendBuffer: Buffer;
  readonly receiveBuffer: Buffer;
  readonly speedHz: number;
}

type Done = (error: Error | null | undefined) => void;

export interface SpiHandle {
  transfer(message: readonly SpiMessage[], done: Done): unknown;
  setOptions(options: { readonly mode: 0 | 1 | 2 | 3 }, done: Done): unknown;
  close(done: Done): void;
}

export interface SpiModule {
  open(bus: number, device: number, options: { readonly mode: 0 | 1 | 2 | 3 }, done: Done): SpiHandle;
}

export interface SerialHandle {
  open(done: Done): void;
  close(done: Done): void;
  write(data: Buffer, done: Done): unknown;
  drain(done: Done): void;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  readonly isOpen: boolean;
}

export interface SerialModule {
  readonly SerialPort: new (options: {
    readonly path: string;
    readonly baudRate: number;
    readonly dataBits: 8;
    readonly parity: "none" | "even" | "odd";
    readonly stopBits: 1 | 2;
    readonly autoOpen: false;
    readonly lock: true;
  }) => SerialHandle;
}

export interface NativeModules {
  readonly onoff: OnoffModule;
  readonly "i2c-bus": I2cModule;
  readonly "spi-device": SpiModule;
  readonly serialport: SerialModule;
}

export type ModuleName = keyof NativeModules;

const ENTRY: Readonly<Record<ModuleName, string>> = {
  onoff: "Gpio",
  "i2c-bus": "openPromisified",
  "spi-device": "open",
  serialport: "SerialPort",
};

export const isModuleName = (name: string): name is ModuleName => Object.hasOwn(ENTRY, name);

export type LoadModule = <N extends ModuleName>(name: N) => Promise<NativeModules[N]>;

function hasEntry<N extends ModuleName>(module: unknown, name: N): module is NativeModules[N] {
  return (
    typeof module === "object" && module !== null && typeof Reflect.get(module, ENTRY[name]) === "function"
  );
}

/** Loads a package. Rejects when it is not installed, not built for this machine, or another package of that name. */
export const loadNativeModule: LoadModule = async (name) => {
  const specifier: string = name;
  const loaded: unknown = await import(specifier);
  const wrapped: unknown =
    typeof loaded === "object" && loaded !== null ? Reflect.get(loaded, "default") : null;
  if (hasEntry(loaded, name)) return loaded;
  if (hasEntry(wrapped, name)) return wrapped;
  throw new TypeError(`the module ${name} does not offer ${ENTRY[name]}`);
};
