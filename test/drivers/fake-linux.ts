import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findBoard, resourceRequirement } from "../../boards/index.ts";
import {
  LinuxHardware,
  type LoadModule,
  type NativeModules,
  systemAccess,
} from "../../drivers/providers/index.ts";
import { aVirtualClock } from "../sim/virtual-board.ts";

/** An error as native packages throw it. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}, ioctl`), { code });
}

/** A file tree in a temporary directory that looks like a board's /sys and /dev. */
export class FakeTree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "imu-board-"));

  file(path: string, text = ""): this {
    mkdirSync(dirname(this.root + path), { recursive: true });
    writeFileSync(this.root + path, text);
    return this;
  }

  chip(base: number, label: string, lines: number): this {
    const folder = `/sys/class/gpio/gpiochip${base}`;
    this.file(`${folder}/label`, `${label}\n`).file(`${folder}/base`, `${base}\n`);
    return this.file(`${folder}/ngpio`, `${lines}\n`).file("/sys/class/gpio/export");
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** onoff with its lines in memory; what was exported and how is kept for the tests. */
export class FakeOnoff {
  readonly exported = new Map<number, { direction: "in" | "out"; value: 0 | 1 }>();
  readonly watchers = new Map<number, (error: Error | null, value: number) => void>();
  failWith: Error | null = null;
  stubborn = false;

  module(): NativeModules["onoff"] {
    const fake = this;
    return {
      Gpio: class {
        readonly line: number;
        constructor(line: number, direction: "in" | "high" | "low") {
          if (fake.failWith) throw fake.failWith;
          this.line = line;
          if (fake.stubborn) fake.exported.set(line, { direction: "in", value: 0 });
          else {
            fake.exported.set(line, {
              direction: direction === "in" ? "in" : "out",
              value: direction === "high" ? 1 : 0,
            });
          }
        }
        async read() {
          return fake.exported.get(this.line)?.value ?? 0;
        }
        async write(value: 0 | 1) {
          fake.exported.set(this.line, { direction: "out", value });
        }
        watch(callback: (error: Error | null | undefined, value: number) => void) {
          fake.watchers.set(this.line, callback);
        }
        unwatchAll() {
          fake.watchers.delete(this.line);
        }
        direction() {
          return fake.exported.get(this.line)?.direction ?? "in";
        }
        unexport() {
          fake.exported.delete(this.line);
          fake.watchers.delete(this.line);
        }
      },
    };
  }
}

/** Providers on a fake tree and fake packages; packages not given are not installed. */
export function aLinuxBoard(
  tree: FakeTree,
  modules: Partial<NativeModules> = {},
  boardId = "raspberry-pi-4",
) {
  const board = findBoard(boardId);
  if (!board) throw new Error(`no board ${boardId}`);
  const { time, clock } = aVirtualClock();
  const loaded: string[] = [];
  const loadModule: LoadModule = async (name) => {
    const module = modules[name];
    if (!module) throw errno("ERR_MODULE_NOT_FOUND");
    loaded.push(name);
    return module;
  };
  const hardware = new LinuxHardware({
    board,
    clock,
    system: systemAccess(tree.root),
    loadModule,
    requirement: (need, node) => {
      const verdict = resourceRequirement(need, { board, user: "imud", node });
      return verdict.kind === "missing" ? verdict.requirement : null;
    },
  });
  return { hardware, time, clock, loaded };
}
