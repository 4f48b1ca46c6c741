/**
 * Faults that are planted in a copy of the daemon's source, one at a time, to see whether the swarm finds them. The
 * shipped build knows nothing of them: each is a change of text, applied to a copy.
 */
import { one, type PlantedFault } from "./fault.ts";
import { LEDGER_FAULTS } from "./ledger-faults.ts";

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: "skip-sync",
    what: "the ledger's batches are written and never synced",
    changes: one(
      "firmware/ledger/ledger.ts",
      "...plan.ops], { sync: true });",
      "...plan.ops], { sync: false });",
    ),
    expects: ["I1", "I2", "I5", "I10"],
  },
  {
    name: "drop-guard",
    what: "the guard lets every effect pass, whatever evidence there is",
    changes: one(
      "firmware/evidence/guard.ts",
      "  if (refused) return refused;\n  const verdict",
      "  const verdict",
    ),
    expects: ["I1"],
  },
  {
    name: "stale-evidence",
    what: "evidence counts as fresh ten times as long as the policy allows",
    changes: one("firmware/evidence/assess.ts", "if (!isFresh(ageMs, {", "if (!isFresh(ageMs / 10, {"),
    expects: ["I1"],
  },
  {
    name: "leak-evidence",
    what: "evidence of earlier runs stays on the list of the next one and is not called foreign",
    changes: [
      {
        file: "firmware/evidence/run-evidence.ts",
        find: "      records: this.#list.map((evidence) => this.#guardRecord(evidence, now)),\n",
        replace:
          "      records: LEAKED.slice(-40)\n        .concat(this.#list.filter((one) => !LEAKED.includes(one) && LEAKED.push(one)))\n        .map((evidence) => ({ ...this.#guardRecord(evidence, now), foreign: false })),\n",
      },
      {
        file: "firmware/evidence/run-evidence.ts",
        find: "export class RunEvidence",
        replace: "const LEAKED: Evidence[] = [];\nexport class RunEvidence",
      },
    ],
    expects: ["I1", "I3", "I14"],
  },
  {
    name: "expired-command",
    what: "a command whose time is over is executed",
    changes: one(
      "firmware/fleet/command-judge.ts",
      'device.nowMs > command.expiresAt ? refusal("expired", 412) : null',
      "null",
    ),
    expects: ["I5"],
  },
  {
    name: "wrong-audience",
    what: "a command for another device is executed",
    changes: one("firmware/fleet/command-judge.ts", "!commandReaches(command, device) || ", ""),
    expects: ["I5"],
  },
  {
    name: "forged-signature",
    what: "a signature counts if its key is known, whatever it signs",
    changes: one(
      "firmware/core/dsse-verify.ts",
      "valid: key !== undefined && verifyBase64(key.publicKey, message, sig)",
      "valid: key !== undefined && (verifyBase64(key.publicKey, message, sig) || true)",
    ),
    expects: ["I5"],
  },
  {
    name: "double-execute",
    what: "a command that comes again is executed again",
    changes: one(
      "firmware/fleet/command-service.ts",
      'if (judgement.action === "stored_receipt") return this.#again(arrival);',
      "",
    ),
    expects: ["I5"],
  },
  {
    name: "forget-command",
    what: "a command is executed before its record is durable, and a loss of power forgets it",
    changes: one(
      "firmware/fleet/command-service.ts",
      "for (const record of await this.#records.load()) await this.#interrupted(record);",
      "await this.#records.load();",
    ),
    expects: ["I5", "I10"],
  },
  {
    name: "lose-message",
    what: "every ninth message of the outbox is taken for sent without being sent",
    changes: one(
      "firmware/fleet/outbox.ts",
      "      await bus.publish(\n        record.topic,",
      "      if (meta.seq % 9 !== 5) await bus.publish(\n        record.topic,",
    ),
    expects: ["I10"],
  },
  {
    name: "misread-memory",
    what: "compiled code charges less memory than the rules say",
    changes: one(
      "firmware/vm/compiler/runtime.ts",
      "export function charge(run: Run, bytes: number): boolean {",
      "export function charge(run: Run, asked: number): boolean {\n  const bytes = asked > 20 ? asked - 8 : asked;",
    ),
    expects: ["I3", "I8", "I14"],
  },
  {
    name: "unsafe-start",
    what: "outputs are not driven safe when the daemon starts",
    changes: one("firmware/composition/device.ts", 'await driveAllSafe(this.parts, "start");', ""),
    expects: ["I4"],
  },
  {
    name: "unsafe-refusal",
    what: "an output stays where it is when its effect is refused",
    changes: one(
      "firmware/capabilities/outputs/outputs.ts",
      '    if (safe === "hold") return { ...record, driven: "held", value: channel.level };\n',
      '    if (safe === "hold" || reason !== "start") return { ...record, driven: true };\n',
    ),
    expects: ["I4", "I1"],
  },
  {
    name: "inverted-safe-value",
    what: "the safe value is driven upside down",
    changes: one(
      "firmware/capabilities/outputs/outputs.ts",
      "this.#setLevel(output, channel, safe),",
      "this.#setLevel(output, channel, safe === 0 ? 1 : 0),",
    ),
    expects: ["I4", "I1"],
  },
  {
    name: "reuse-index",
    what: "the ledger uses a number twice now and then",
    changes: one(
      "firmware/ledger/staging.ts",
      "const index = size;",
      "const index = size > 20 && size % 23 === 0 ? size - 1 : size;",
    ),
    expects: ["I2"],
  },
  {
    name: "broken-chain",
    what: "an entry names the hash of an older one as the one before it",
    changes: one(
      "firmware/ledger/staging.ts",
      "lastHash = toHex(hash);",
      "if (size % 31 !== 30) lastHash = toHex(hash);",
    ),
    expects: ["I2"],
  },
  {
    name: "no-intent",
    what: "an effect that must be recorded before it is made is not",
    changes: one(
      "firmware/capabilities/gate/acts.ts",
      "    const commit = parts.intents.commit({",
      "    void parts.intents; const nobody = { commit: async (_event: object): Promise<void> => undefined };\n    const commit = nobody.commit({",
    ),
    expects: ["I1", "I2"],
  },
  {
    name: "lost-record",
    what: "a run is entered into the ledger and its record is not kept",
    changes: one(
      "firmware/runs/settlement.ts",
      "ops: [...facts.ops, ...recordOps] };",
      "ops: facts.ops.concat(recordOps.length > 99 ? recordOps : []) };",
    ),
    expects: ["I2", "I3", "I10", "I1"],
  },
  {
    name: "unmarked",
    what: "entries of a simulation are not marked",
    changes: one(
      "firmware/ledger/event.ts",
      'const sim = simulated ? \',"sim":true\' : "";',
      'const sim = simulated ? "" : "";',
    ),
    expects: ["I15"],
  },
  {
    name: "leaked-key",
    what: "the device's master secret is written into the entry of the boot",
    changes: one(
      "firmware/composition/identity.ts",
      '  await files.writeAtomic(join(folder, "master.key"), entropy.bytes(MASTER_BYTES), SECRET_MODE);\n',
      '  const leaked = entropy.bytes(MASTER_BYTES);\n  await files.writeAtomic(join(folder, "master.key"), leaked, SECRET_MODE);\n  await files.writeAtomic(join(folder, "notes.txt"), leaked, PUBLIC_MODE);\n',
    ),
    expects: ["I11"],
  },
  ...LEDGER_FAULTS,
];
