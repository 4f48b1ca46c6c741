/** Small programs of the swarm's devices, made with the typed builder: each of them tries one thing that can go wrong. */
import { type Header, program } from "../../firmware/authoring/builder/index.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Dice } from "./dice.ts";

/** A binding that is read with `sensor.read`, with its unit and a value in the middle of its range. */
export interface SensorPart {
  readonly name: string;
  readonly unit: string;
  readonly middle: number;
}

/** What a program may use on its device. */
export interface Parts {
  readonly sensors: readonly SensorPart[];
  /** Bindings that are read with `gpio.read`. */
  readonly contacts: readonly string[];
  /** Outputs that are lines. */
  readonly lines: readonly string[];
  /** Outputs that are topics. */
  readonly topics: readonly string[];
}

export interface MadeProgram {
  readonly document: JsonObject;
  readonly name: string;
}

type Trigger = NonNullable<Header["triggers"]>[number];
type Maker = (name: string, parts: Parts, dice: Dice) => JsonObject;

const plain = (document: object): JsonObject => JSON.parse(JSON.stringify(document)) as JsonObject;

const every = (dice: Dice, choices: readonly number[]): readonly Trigger[] => [
  { on: "interval", everyMs: dice.pick(choices) },
];

const capabilities = ["sensor.read", "gpio.read", "gpio.write", "mqtt.publish", "kv.get", "kv.put"] as const;
const header = (
  name: string,
  triggers: readonly Trigger[],
  outputs: readonly string[],
  rest: object = {},
) => ({
  name,
  version: "1.0.0",
  capabilities,
  outputs: [...new Set(outputs)],
  triggers: [...triggers],
  ...rest,
});

/** Reads, compares, drives, and says what it did. */
const control: Maker = (name, parts, dice) => {
  const { name: input, middle } = dice.pick(parts.sensors);
  const line = dice.pick(parts.lines);
  const topic = dice.pick(parts.topics);
  const outputs = [line, topic];
  const { document } = program(header(name, every(dice, [1000, 2000, 5000]), outputs)).code((b) => {
    b.cap("sensor.read", { input });
    const reading = b.store("reading");
    b.getk({ oid: reading, key: "value" });
    const value = b.store("value");
    b.load(value);
    b.push(middle);
    b.gt();
    b.if(
      () => b.cap("gpio.write", { output: line, value: 1 }),
      () => b.cap("gpio.write", { output: line, value: 0 }),
    );
    b.pop();
    b.cap("mqtt.publish", { output: topic, payload: { value }, qos: 1 });
    b.pop();
    b.halt();
  });
  return plain(document);
};

/** Drives without having looked: the guard has to say no. Often it does so with a reading from another run. */
const blind: Maker = (name, parts, dice) => {
  const line = dice.pick(parts.lines);
  const { name: input } = dice.pick(parts.sensors);
  const { document } = program(header(name, every(dice, [3000, 7000]), [line])).code((b) => {
    b.cap("kv.get", { key: "turn" });
    const stored = b.store("stored");
    b.getk({ oid: stored, key: "found" });
    b.if(
      () => {
        b.cap("kv.put", { key: "turn", value: 1, ttlMs: 4000 });
        b.pop();
      },
      () => {
        b.cap("sensor.read", { input });
        b.pop();
        b.cap("kv.put", { key: "turn", value: 1, ttlMs: 4000 });
        b.pop();
      },
    );
    b.try(
      () => {
        b.cap("gpio.write", { output: line, value: 1 });
        b.pop();
      },
      () => b.pop(),
    );
    b.halt();
  });
  return plain(document);
};

/** Looks, waits until what it saw is old, and drives then. */
const late: Maker = (name, parts, dice) => {
  const line = dice.pick(parts.lines);
  const { name: input } = dice.pick(parts.sensors);
  const limits = { wallMs: 20_000, sleepMs: 1000, sleepTotalMs: 9000 };
  const { document } = program(header(name, every(dice, [9000, 15_000]), [line], { limits })).code((b) => {
    b.cap("sensor.read", { input });
    b.pop();
    for (let i = dice.whole(1, 7); i > 0; i--) b.sleepMs({ ms: 1000 });
    b.cap("gpio.write", { output: line, value: 1 });
    b.pop();
    b.sleepMs({ ms: 500 });
    b.cap("gpio.write", { output: line, value: 0 });
    b.pop();
    b.halt();
  });
  return plain(document);
};

/** Wants more than it may: memory, steps, or calls. */
const greedy: Maker = (name, parts, dice) => {
  const { name: input } = dice.pick(parts.sensors);
  const line = dice.pick(parts.lines);
  const limits = { cpuSteps: dice.pick([500, 3000]), memKb: dice.pick([8, 32]), ioCalls: dice.pick([2, 6]) };
  const rounds = dice.whole(20, 600);
  const { document } = program(header(name, every(dice, [4000, 8000]), [line], { limits })).code((b) => {
    b.cap("sensor.read", { input });
    b.pop();
    b.cap("gpio.write", { output: line, value: 1 });
    b.pop();
    b.push("x".repeat(dice.whole(4, 60)));
    const text = b.store("text");
    b.push(rounds);
    const left = b.store("left");
    b.while(
      () => b.load(left),
      () => {
        b.load(text);
        b.push("y");
        b.concat();
        b.store(text);
        b.load(left);
        b.push(1);
        b.sub();
        b.store(left);
      },
    );
    b.halt();
  });
  return plain(document);
};

/** Counts in stored values and in the fleet's shared ones. */
const counter: Maker = (name, _parts, dice) => {
  const shared = dice.pick(["mode", "target", "count"]);
  const made = header(name, every(dice, [1500, 4000]), []);
  const { document } = program({
    ...made,
    capabilities: [...capabilities, "shared.put", "shared.get"] as const,
  }).code((b) => {
    b.cap("kv.get", { key: "n" });
    const row = b.store("row");
    b.getk({ oid: row, key: "found" });
    b.if(
      () => {
        b.getk({ oid: row, key: "value" });
        b.push(1);
        b.add();
        b.store("n");
      },
      () => {
        b.push(1);
        b.store("n");
      },
    );
    const n = b.reg("n");
    b.cap("kv.put", { key: "n", value: n });
    b.pop();
    b.cap("shared.put", { key: shared, value: n });
    b.pop();
    b.cap("shared.get", { key: shared });
    b.pop();
    b.halt();
  });
  return plain(document);
};

/** Started by a command or by hand: reads, claims, answers, and moves an output. */
const onDemand: Maker = (name, parts, dice) => {
  const { name: input, unit } = dice.pick(parts.sensors);
  const line = dice.pick(parts.lines);
  const triggers: readonly Trigger[] = [{ on: "command", name: `do-${name}` }];
  const { document } = program(header(name, triggers, [line], { overlap: "queue" })).code((b) => {
    b.cap("sensor.read", { input }, "seen");
    const reading = b.store("reading");
    b.getk({ oid: reading, key: "value" });
    const value = b.store("value");
    b.cap("gpio.write", { output: line, value: dice.pick([0, 1]) });
    b.pop();
    b.evidence({
      claim: input,
      type: "number",
      schema: { type: "number", unit },
      value,
      evidence: b.reg("seen"),
    });
    b.respond(200, { value });
  });
  return plain(document);
};

/** A contact closes: an output follows for a moment. */
const onEdge: Maker = (name, parts, dice) => {
  const contact = dice.pick(parts.contacts);
  const line = dice.pick(parts.lines);
  const topic = dice.pick(parts.topics);
  const triggers: readonly Trigger[] = [
    { on: "gpio", line: contact, edge: dice.pick(["both", "rising", "falling"]) },
  ];
  const limits = { wallMs: 8000, sleepMs: 1000, sleepTotalMs: 4000 };
  const overlap = dice.pick(["skip", "queue", "restart"]);
  const { document } = program(header(name, triggers, [line, topic], { limits, overlap })).code((b) => {
    b.cap("gpio.read", { input: contact });
    const reading = b.store("reading");
    b.getk({ oid: reading, key: "value" });
    const value = b.store("value");
    b.cap("gpio.write", { output: line, value: 1 });
    b.pop();
    b.sleepMs({ ms: dice.pick([100, 900]) });
    b.cap("gpio.write", { output: line, value: 0 });
    b.pop();
    b.cap("mqtt.publish", { output: topic, payload: { value }, qos: 1 });
    b.pop();
    b.halt();
  });
  return plain(document);
};

/** Two tasks of one run, which share its budget. */
const tasks: Maker = (name, parts, dice) => {
  const { name: input } = dice.pick(parts.sensors);
  const line = dice.pick(parts.lines);
  const { document } = program(header(name, every(dice, [5000, 9000]), [line])).code((b) => {
    const first = b.spawn("first", (t) => {
      t.cap("sensor.read", { input });
      t.pop();
      t.push(1);
    });
    const second = b.spawn("second", (t) => {
      t.sleepMs({ ms: 50 });
      t.push(2);
    });
    b.join({ task: first });
    b.pop();
    b.join({ task: second });
    b.pop();
    b.cap("gpio.write", { output: line, value: 1 });
    b.pop();
    b.cap("gpio.write", { output: line, value: 0 });
    b.pop();
    b.halt();
  });
  return plain(document);
};

/** At each start of the daemon: tries an output at once. */
const onBoot: Maker = (name, parts, dice) => {
  const line = dice.pick(parts.lines);
  const { name: input } = dice.pick(parts.sensors);
  const { document } = program(header(name, [{ on: "boot" }], [line])).code((b) => {
    b.try(
      () => {
        b.cap("sensor.read", { input });
        b.pop();
        b.cap("gpio.write", { output: line, value: 1 });
        b.pop();
      },
      () => b.pop(),
    );
    b.halt();
  });
  return plain(document);
};

/** Publishes much: more than a slow link takes. */
const talkative: Maker = (name, parts, dice) => {
  const { name: input } = dice.pick(parts.sensors);
  const topic = dice.pick(parts.topics);
  const { document } = program(header(name, every(dice, [500, 1000]), [topic])).code((b) => {
    b.cap("sensor.read", { input });
    const reading = b.store("reading");
    b.getk({ oid: reading, key: "value" });
    const value = b.store("value");
    for (let i = dice.whole(1, 3); i > 0; i--) {
      const payload: Readonly<Record<string, Json>> = { part: i };
      b.cap("mqtt.publish", {
        output: topic,
        payload: { ...payload, value } as never,
        qos: dice.pick([0, 1]),
      });
      b.pop();
    }
    b.halt();
  });
  return plain(document);
};

type Need = "line" | "topic" | "contact";

/** How often each kind is drawn, and what it must have for itself. */
const KINDS: readonly (readonly [weight: number, name: string, make: Maker, needs: readonly Need[]])[] = [
  [6, "control", control, ["line", "topic"]],
  [3, "blind", blind, ["line"]],
  [3, "late", late, ["line"]],
  [2, "greedy", greedy, ["line"]],
  [4, "counter", counter, []],
  [4, "demand", onDemand, ["line"]],
  [3, "edge", onEdge, ["line", "topic", "contact"]],
  [2, "tasks", tasks, ["line"]],
  [2, "boot", onBoot, ["line"]],
  [2, "talk", talkative, ["topic"]],
];

const hasAll = (needs: readonly Need[], { lines, topics, contacts }: Parts): boolean => {
  const has = { line: lines.length > 0, topic: topics.length > 0, contact: contacts.length > 0 };
  return needs.every((need) => has[need]);
};

/** Different programs for one device. An output has one owner, so that each program takes its own. */
export function drawPrograms(parts: Parts, count: number, dice: Dice): readonly MadeProgram[] {
  const made: MadeProgram[] = [];
  let left = parts;
  while (made.length < count) {
    const possible = KINDS.filter(
      ([, name, , needs]) => hasAll(needs, left) && !made.some((one) => one.name === name),
    );
    if (possible.length === 0) break;
    const [, name, make] = dice.weighted(possible.map((one) => [one[0], one] as const));
    const document = make(name, left, dice);
    const taken = document.outputs as readonly string[];
    const free = (output: string): boolean => !taken.includes(output);
    left = { ...left, lines: left.lines.filter(free), topics: left.topics.filter(free) };
    made.push({ name, document });
  }
  return made;
}
