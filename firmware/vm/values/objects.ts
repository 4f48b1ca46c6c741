/**
 * Objects of the machine. Members lie in slots; which key lies where is the shape, shared by all objects of a program
 * that got the same keys in the same order. A known shape makes access a comparison instead of a search, and keeps an
 * object near the size that the memory model charges for it (vm.md 7). No inherited member can exist: a key is only
 * ever looked up in a shape's own index, so `__proto__` is a key like any other.
 */
import type { Value } from "./values.ts";

/** Shapes one program may share; further objects keep a shape of their own, so keys made at run time cannot pile up. */
const MAX_SHARED_SHAPES = 64;
/** Keys of a shared shape. */
const MAX_SHARED_KEYS = 32;

export class Shape {
  readonly keys: string[];
  readonly index: Map<string, number>;
  /** Null for the shape of one object only, which changes with it. */
  readonly table: ShapeTable | null;
  #next: Map<string, Shape> | null = null;

  constructor(keys: string[], table: ShapeTable | null) {
    this.keys = keys;
    this.index = new Map(keys.map((key, slot) => [key, slot]));
    this.table = table;
  }

  /** The shared shape with one more key; null if there is none and there may be no further one. */
  with(key: string): Shape | null {
    const known = this.#next?.get(key);
    if (known !== undefined) return known;
    const made = this.keys.length < MAX_SHARED_KEYS ? (this.table?.make([...this.keys, key]) ?? null) : null;
    if (made !== null) {
      this.#next ??= new Map();
      this.#next.set(key, made);
    }
    return made;
  }
}

/** The shapes of one program. */
export class ShapeTable {
  readonly empty: Shape;
  #count = 0;

  constructor() {
    this.empty = new Shape([], this);
  }

  make(keys: string[]): Shape | null {
    if (this.#count >= MAX_SHARED_SHAPES) return null;
    this.#count++;
    return new Shape(keys, this);
  }

  /** The shape of these keys in this order, or null when the table is full. */
  of(keys: readonly string[]): Shape | null {
    let shape: Shape | null = this.empty;
    for (const key of keys) shape = shape?.with(key) ?? null;
    return shape;
  }
}

export class VmObject {
  shape: Shape;
  slots: Value[];

  constructor(shape: Shape, slots: Value[]) {
    this.shape = shape;
    this.slots = slots;
  }

  get size(): number {
    return this.slots.length;
  }

  /** In order of insertion, as far as nothing was deleted. */
  keys(): readonly string[] {
    return this.shape.keys;
  }

  has(key: string): boolean {
    return this.shape.index.has(key);
  }

  get(key: string): Value | undefined {
    const slot = this.shape.index.get(key);
    return slot === undefined ? undefined : this.slots[slot];
  }

  set(key: string, value: Value): void {
    const slot = this.shape.index.get(key);
    if (slot !== undefined) this.slots[slot] = value;
    else this.#add(key, value);
  }

  /** The last member takes the place of the deleted one. */
  delete(key: string): void {
    const slot = this.shape.index.get(key);
    if (slot === undefined) return;
    const { keys, index } = this.#own();
    const lastKey = keys.pop() as string;
    const last = this.slots.pop() as Value;
    index.delete(key);
    if (lastKey === key) return;
    keys[slot] = lastKey;
    index.set(lastKey, slot);
    this.slots[slot] = last;
  }

  #add(key: string, value: Value): void {
    const next = this.shape.with(key);
    if (next !== null) this.shape = next;
    else {
      const { keys, index } = this.#own();
      index.set(key, keys.length);
      keys.push(key);
    }
    this.slots.push(value);
  }

  #own(): Shape {
    if (this.shape.table !== null) this.shape = new Shape([...this.shape.keys], null);
    return this.shape;
  }
}
