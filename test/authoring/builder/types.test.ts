/** What the compiler says to wrong fields; a change that lets one through fails the type check. */
import { expect, expectTypeOf, test } from "vitest";
import {
  type FieldsOf,
  type FunctionHandle,
  type MainCode,
  program,
  type Register,
} from "../../../firmware/authoring/builder/index.ts";

interface Climate {
  readonly name: "climate";
  readonly version: "1.0.0";
  readonly capabilities: readonly ["sensor.read", "gpio.write"];
  readonly constants: { readonly target: 25 };
}
type Code = MainCode<Climate>;

test("capabilities and constants are those of the header", () => {
  expectTypeOf<Parameters<Code["cap"]>[0]>().toEqualTypeOf<"sensor.read" | "gpio.write">();
  expectTypeOf<Parameters<Code["call"]>[0]>().toEqualTypeOf<"sensor.read" | "gpio.write">();
  expectTypeOf<Parameters<Code["constant"]>[0]>().toEqualTypeOf<"target">();
  expectTypeOf<Parameters<MainCode<{ name: "a"; version: "b" }>["cap"]>[0]>().toEqualTypeOf<never>();
});

test("the header's own literals are kept", () => {
  program({ name: "t", version: "1.0.0", capabilities: ["kv.get"], constants: { a: 1 } }).code((b) => {
    expectTypeOf(b.cap).parameter(0).toEqualTypeOf<"kv.get">();
    expectTypeOf(b.constant).parameter(0).toEqualTypeOf<"a">();
    b.halt();
  });
});

test("fields have their names and their types", () => {
  expectTypeOf<{ bits: 8 }>().toExtend<FieldsOf<"SEXT">>();
  expectTypeOf<{ bits: "8" }>().not.toExtend<FieldsOf<"SEXT">>();
  expectTypeOf<{ bit: 8 }>().not.toExtend<FieldsOf<"SEXT">>();
  expectTypeOf<{ as: "hex" }>().toExtend<FieldsOf<"ENCODE">>();
  expectTypeOf<{ as: "hexa" }>().not.toExtend<FieldsOf<"ENCODE">>();
  expectTypeOf<{ format: ["u8", "i16be", "bytes:4"] }>().toExtend<FieldsOf<"PACK">>();
  expectTypeOf<{ format: ["u9"] }>().not.toExtend<FieldsOf<"PACK">>();
  expectTypeOf<{ oid: Register; key: string }>().toExtend<FieldsOf<"GETK">>();
  expectTypeOf<{ oid: Register }>().not.toExtend<FieldsOf<"GETK">>();
  expectTypeOf<{ oid: Date; key: string }>().not.toExtend<FieldsOf<"GETK">>();
  expectTypeOf<{ start: 0 }>().toExtend<FieldsOf<"SLICE">>();
  expectTypeOf<{ end: 0 }>().not.toExtend<FieldsOf<"SLICE">>();
});

test("of a pair exactly one, of an optional pair at most one", () => {
  expectTypeOf<{ preset: "crc32" }>().toExtend<FieldsOf<"CRC">>();
  expectTypeOf<Record<never, never>>().not.toExtend<FieldsOf<"CRC">>();
  expectTypeOf<{ preset: "crc32"; params: object }>().not.toExtend<FieldsOf<"CRC">>();
  expectTypeOf<{ id: "c"; text: "t" }>().toExtend<FieldsOf<"CLAIM">>();
  expectTypeOf<{ id: "c"; text: "t"; about: "a" }>().not.toExtend<FieldsOf<"CLAIM">>();
  expectTypeOf<{ task: Register }>().toExtend<FieldsOf<"JOIN">>();
  expectTypeOf<{ task: Register; timeout_s: 1 }>().toExtend<FieldsOf<"JOIN">>();
  expectTypeOf<{ task: Register; timeout_s: 1; timeout_ms: 1 }>().not.toExtend<FieldsOf<"JOIN">>();
});

test("instructions without fields take none, all others have a method", () => {
  expectTypeOf<Parameters<Code["add"]>>().toEqualTypeOf<[]>();
  expectTypeOf<Parameters<Code["newObj"]>>().toEqualTypeOf<[]>();
  expectTypeOf<Parameters<Code["sleepMs"]>[0]>().toEqualTypeOf<FieldsOf<"SLEEP_MS">>();
  expectTypeOf<Code>().not.toHaveProperty("ret");
});

test("a function is called with all of its parameters", () => {
  type Args<P extends string> = Parameters<typeof callf<P>>[1];
  expectTypeOf<{ a: 1; b: 2 }>().toExtend<Args<"a" | "b">>();
  expectTypeOf<{ a: 1 }>().not.toExtend<Args<"a" | "b">>();
});

declare function callf<P extends string>(...args: Parameters<typeof sample.callf<P>>): void;
declare const sample: Code;

test("handles name their parameters", () => {
  program({ name: "t", version: "1.0.0" }).code((b) => {
    const mean = b.func("mean", ["a", "b"], (f, { a, b: other }, self) => {
      expectTypeOf(self).toEqualTypeOf<FunctionHandle<"a" | "b">>();
      f.push([a, other]);
      f.ret();
    });
    expectTypeOf(mean).toEqualTypeOf<FunctionHandle<"a" | "b">>();
    expect(mean.params).toEqual(["a", "b"]);
  });
});
