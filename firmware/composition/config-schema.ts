/** The shape of imud.yaml as JSON Schema 2020-12, and the type it gives. Unknown members are refused. */
import type { Executor } from "../vm/index.ts";

export interface BrokerConfig {
  /** `mqtt://host:port` or `mqtts://host:port`; absent with `embedded`. */
  readonly url?: string;
  /** Starts a broker inside the daemon; for demonstrations and benches, never for a site. */
  readonly embedded?: { readonly host: string; readonly port: number };
  readonly username?: string;
  /** File with the password, mode 0600. */
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

/** One sensor channel: where it is, which driver reads it, how its value is scaled and checked. */
export interface SensorConfig {
  /** For example `i2c://1/0x76/temperature`, `spi://0.0/ch0`, `serial://ttyAMA0/latitude`. */
  readonly uri: string;
  readonly driver: "bme280" | "sht31" | "ads1115" | "mcp3008" | "nmea" | "switch";
  readonly quantity?: string;
  readonly unit?: string;
  readonly scale?: number;
  readonly offset?: number;
  readonly min?: number;
  readonly max?: number;
  readonly maxStepPerS?: number;
  readonly frozenAfterMs?: number;
  /** Reference voltage of a converter in V. */
  readonly vref?: number;
  readonly baudRate?: number;
  readonly activeLow?: boolean;
  readonly bias?: "none" | "pull-up" | "pull-down";
}

export interface LineConfig {
  readonly uri: string;
  readonly activeLow: boolean;
  readonly bias: "none" | "pull-up" | "pull-down";
  readonly debounceMs: number;
}

export interface Config {
  readonly board: string;
  readonly fleet: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** The factory policy: in force until a signed release replaces it. */
  readonly policyFile: string;
  /** Folder of factory programs, one JSON document each. */
  readonly programsDir: string;
  /** The factory's signed list of sources, `imu.sources/1`; null: the built-in rules alone. */
  readonly sourcesFile: string | null;
  readonly authorityFile: string | null;
  readonly rosterFile: string | null;
  readonly broker: BrokerConfig | null;
  readonly sensors: readonly SensorConfig[];
  readonly lines: readonly LineConfig[];
  /** `executor`: who runs programs; results are the same, see `vm-executor.ts`. */
  readonly vm: { readonly maxRuns: number; readonly executor: Executor };
  readonly groupCommitMs: number;
  /** What is kept of the ledger; what is kept of runs and their evidence stands in the policy's `/retention`. */
  readonly ledger: {
    /** Bytes of entries: the oldest above go, but nothing younger than `minDays`. */
    readonly maxBytes: number;
    readonly maxDays: number;
    readonly minDays: number;
    /** Days that leaf hashes stay after their entries. */
    readonly leafDays: number;
    /** Witnesses that entries need before they may go; null: two, or all other devices of the roster if it has fewer. */
    readonly quorum: number | null;
  };
  readonly gossip: { readonly minIntervalMs: number };
  /** Trials of releases; counts where the policy's `/rollout` says nothing. */
  readonly ota: {
    readonly holdMs: number;
    readonly minRuns: number;
    readonly maxRuns: number;
    /** How long after its commit a release is still watched for a regression. */
    readonly guardMs: number;
    /** Between two looks at a trial. */
    readonly evaluateMs: number;
  };
  readonly sim: { readonly seed: string } | null;
  /**
   * `ntp`: wall time is trusted once the system says that it is synchronised (systemd-timesyncd or chrony);
   * `system`: the host's clock is kept right by other means and is trusted as it is.
   */
  readonly clock: { readonly trust: "ntp" | "system" };
}

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const path = text(1024);

export const CONFIG_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["board", "fleet", "stateDir", "policyFile", "programsDir"],
  properties: {
    board: text(64),
    fleet: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,39}$" },
    stateDir: path,
    runDir: { ...path, default: "/run/imud" },
    logLevel: { enum: ["debug", "info", "warn", "error", "silent"], default: "info" },
    policyFile: path,
    programsDir: path,
    sourcesFile: { type: ["string", "null"], minLength: 1, maxLength: 1024, default: null },
    authorityFile: { type: ["string", "null"], minLength: 1, maxLength: 1024, default: null },
    rosterFile: { type: ["string", "null"], minLength: 1, maxLength: 1024, default: null },
    broker: {
      type: ["object", "null"],
      default: null,
      additionalProperties: false,
      properties: {
        url: { type: "string", pattern: "^mqtts?://[^\\s]+$", maxLength: 512 },
        embedded: {
          type: "object",
          additionalProperties: false,
          required: ["host", "port"],
          properties: { host: text(255), port: { type: "integer", minimum: 0, maximum: 65535 } },
        },
        username: text(256),
        passwordFile: path,
        caFile: path,
        certFile: path,
        keyFile: path,
        serverName: text(255),
      },
      oneOf: [
        { type: "null" },
        { type: "object", required: ["url"] },
        { type: "object", required: ["embedded"] },
      ],
    },
    sensors: {
      type: "array",
      maxItems: 256,
      default: [],
      items: {
        type: "object",
        additionalProperties: false,
        required: ["uri", "driver"],
        properties: {
          uri: { type: "string", pattern: "^(i2c|spi|serial|gpio)://[A-Za-z0-9._/-]+$", maxLength: 128 },
          driver: { enum: ["bme280", "sht31", "ads1115", "mcp3008", "nmea", "switch"] },
          quantity: text(32),
          unit: text(16),
          scale: { type: "number" },
          offset: { type: "number" },
          min: { type: "number" },
          max: { type: "number" },
          maxStepPerS: { type: "number", exclusiveMinimum: 0 },
          frozenAfterMs: { type: "integer", minimum: 1 },
          vref: { type: "number", exclusiveMinimum: 0, maximum: 24 },
          baudRate: { type: "integer", minimum: 300, maximum: 4000000 },
          activeLow: { type: "boolean" },
          bias: { enum: ["none", "pull-up", "pull-down"] },
        },
      },
    },
    lines: {
      type: "array",
      maxItems: 256,
      default: [],
      items: {
        type: "object",
        additionalProperties: false,
        required: ["uri"],
        properties: {
          uri: { type: "string", pattern: "^gpio://[a-z0-9-]+/[0-9]+$", maxLength: 64 },
          activeLow: { type: "boolean", default: false },
          bias: { enum: ["none", "pull-up", "pull-down"], default: "none" },
          debounceMs: { type: "integer", minimum: 0, maximum: 1000, default: 0 },
        },
      },
    },
    vm: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: {
        maxRuns: { type: "integer", minimum: 1, maximum: 16, default: 16 },
        executor: { enum: ["tiered", "interpreter", "compiled"], default: "tiered" },
      },
    },
    groupCommitMs: { type: "integer", minimum: 0, maximum: 1000, default: 20 },
    ledger: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: {
        maxBytes: { type: "integer", minimum: 1048576, maximum: 1099511627776, default: 268435456 },
        maxDays: { type: "integer", minimum: 1, maximum: 36500, default: 365 },
        minDays: { type: "integer", minimum: 0, maximum: 36500, default: 7 },
        leafDays: { type: "integer", minimum: 0, maximum: 36500, default: 1095 },
        quorum: { type: ["integer", "null"], minimum: 0, maximum: 16, default: null },
      },
    },
    gossip: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: { minIntervalMs: { type: "integer", minimum: 100, maximum: 60000, default: 4000 } },
    },
    ota: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: {
        holdMs: { type: "integer", minimum: 0, maximum: 86400000, default: 1800000 },
        minRuns: { type: "integer", minimum: 1, maximum: 200, default: 30 },
        maxRuns: { type: "integer", minimum: 1, maximum: 200, default: 200 },
        guardMs: { type: "integer", minimum: 0, maximum: 86400000, default: 3600000 },
        evaluateMs: { type: "integer", minimum: 100, maximum: 600000, default: 30000 },
      },
    },
    clock: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: { trust: { enum: ["ntp", "system"], default: "ntp" } },
    },
    sim: {
      type: ["object", "null"],
      default: null,
      additionalProperties: false,
      properties: { seed: { ...text(64), default: "greenhouse" } },
    },
  },
} as const;
