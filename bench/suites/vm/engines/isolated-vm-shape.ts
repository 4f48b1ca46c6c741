/**
 * What the suite uses of isolated-vm. Written down here because the package is optional: it is compiled for the machine
 * when it is installed, and where that fails the suite must still compile and say so.
 */
export interface IsolatedReference {
  applySync(receiver: undefined, args: readonly unknown[], options: object): unknown;
  release(): void;
}

export interface IsolatedContext {
  evalSync(code: string, options: { readonly reference: true }): IsolatedReference;
  release(): void;
}

export interface IsolatedHeap {
  readonly total_heap_size: number;
  readonly used_heap_size: number;
}

export interface Isolate {
  createContextSync(): IsolatedContext;
  compileScriptSync(code: string): { release(): void };
  getHeapStatisticsSync(): IsolatedHeap;
  dispose(): void;
}

export interface IsolatedVm {
  readonly Isolate: new (options: { readonly memoryLimit: number }) => Isolate;
}

/** @throws Error if it is not installed or does not fit this Node. */
export async function importIsolatedVm(): Promise<IsolatedVm> {
  const name: string = "isolated-vm";
  const module: { readonly default: IsolatedVm } = await import(name);
  return module.default;
}
