/** The documents of a new device: configuration text, the list of operators' keys, the roster of the fleet. */
import type { JsonObject } from "../core/json.ts";
import { deviceIdOf, keyIdOf } from "../core/key-record.ts";
import { POLICY_LIMITS } from "../core/limits.ts";
import type { BrokerConfig } from "./config-schema.ts";

const YEAR_MS = 365 * 86_400_000;

export interface ListFacts {
  readonly fleet: string;
  readonly nowMs: number;
  readonly version: number;
}

/** One operator who may send commands and deploy releases. Emergency, delegation and roll-up need keys of their own. */
export function authorityDocument(facts: ListFacts & { readonly operatorKey: string }): JsonObject {
  const { fleet, nowMs, version, operatorKey } = facts;
  return {
    schema: "imu.authority/1",
    version,
    issuedAt: nowMs,
    expiresAt: nowMs + YEAR_MS,
    fleet,
    keys: [
      {
        keyId: keyIdOf(operatorKey),
        publicKey: operatorKey,
        alg: "ed25519",
        owner: "operator",
        scopes: ["command", "deploy"],
        audience: "*",
        notBefore: nowMs,
        expiresAt: nowMs + YEAR_MS,
        status: "active",
        retiredAt: null,
        revokedAt: null,
        reason: null,
      },
    ],
  };
}

/** This device, and the settings that all devices of the fleet share. */
export function rosterDocument(
  facts: ListFacts & { readonly deviceKey: string; readonly board: string },
): JsonObject {
  const { fleet, nowMs, version, deviceKey, board } = facts;
  return {
    schema: "imu.roster/1",
    version,
    issuedAt: nowMs,
    expiresAt: nowMs + YEAR_MS,
    fleet,
    groups: {},
    devices: [
      {
        id: deviceIdOf(deviceKey),
        keyId: keyIdOf(deviceKey),
        publicKey: deviceKey,
        board,
        status: "active",
        dormant: false,
      },
    ],
    documents: [
      {
        doc: "settings/site",
        type: "lwwmap",
        writers: "any",
        maxEntries: 1024,
        maxBytes: POLICY_LIMITS.documentBytes,
        ttlMs: null,
      },
    ],
  };
}

export interface ConfigFacts {
  readonly board: string;
  readonly fleet: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly broker: BrokerConfig | null;
}

const scalar = (value: unknown): string => JSON.stringify(value);

function brokerLines(broker: BrokerConfig | null): readonly string[] {
  if (broker === null) {
    return [
      "# No broker: the device runs by itself. To join a fleet:",
      "# broker:",
      "#   url: mqtts://broker.example:8883",
      "#   caFile: ca.crt",
    ];
  }
  const members = Object.entries(broker).map(([name, value]) => `  ${name}: ${scalar(value)}`);
  return ["broker:", ...members];
}

/** imud.yaml with its comments. Strings are written as JSON, which is YAML too. */
export function configText(facts: ConfigFacts): string {
  return [
    "# Configuration of imud; every member is described in docs/configuration.md.",
    "# Relative paths are taken from this file's folder.",
    `board: ${scalar(facts.board)}`,
    `fleet: ${scalar(facts.fleet)}`,
    `stateDir: ${scalar(facts.stateDir)}`,
    `runDir: ${scalar(facts.runDir)}`,
    "policyFile: policy.json",
    "programsDir: programs",
    "authorityFile: authority.json",
    "rosterFile: roster.json",
    ...brokerLines(facts.broker),
    ...(facts.board === "sim"
      ? ["sim:", "  seed: greenhouse", "clock:", "  trust: system", "logLevel: warn"]
      : []),
    "# The sensors that the greenhouse example is wired to.",
    "sensors:",
    "  - { uri: i2c://1/0x76/temperature, driver: bme280, min: -40, max: 85 }",
    "  - { uri: i2c://1/0x76/humidity, driver: bme280, unit: '%', min: 0, max: 100 }",
    "  - { uri: spi://0.0/ch0, driver: mcp3008, vref: 3.3, scale: 30.303030303, unit: '%', min: 0.5, max: 99.5 }",
    "  - { uri: serial://ttyAMA0/latitude, driver: nmea, baudRate: 9600 }",
    "lines:",
    "  - uri: gpio://gpiochip0/23",
    "    bias: pull-up",
    "    debounceMs: 20",
    "",
  ].join("\n");
}
