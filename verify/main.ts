#!/usr/bin/env node
/** `imu-verify`: the verifier's command line. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Command, CommanderError } from "commander";
import { LIMITS, reportText, type VerifyOptions, verify } from "./index.ts";

const [VERIFIED, NOT_PROVEN, UNUSABLE] = [0, 1, 2];
const KEY_FILE_BYTES = 65_536;

interface Options {
  readonly key: readonly string[];
  readonly witness: readonly string[];
  readonly quorum?: string;
  readonly known?: string;
  readonly json?: boolean;
}

class UsageError extends Error {}

async function smallFile(path: string, maxBytes: number): Promise<Uint8Array> {
  if ((await stat(path)).size > maxBytes) throw new UsageError(`${path} is too large for what it should be.`);
  return readFile(path);
}

/** A key as it is, or the file that holds it: a PEM key, or one vkey per line. */
async function keysIn(given: string): Promise<readonly string[]> {
  if (/^[0-9a-f]{64}$/.test(given) || /^[^+]+\+[0-9a-f]{8}\+\S+$/u.test(given)) return [given];
  const text = new TextDecoder().decode(await smallFile(given, KEY_FILE_BYTES));
  if (text.includes("-----BEGIN")) return [text];
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

async function optionsOf({ key, witness, quorum, known }: Options): Promise<VerifyOptions> {
  const count = Number(quorum);
  if (quorum !== undefined && !/^[0-9]{1,4}$/.test(quorum))
    throw new UsageError("--quorum must be a whole number.");
  if (key.length === 0)
    throw new UsageError("give the device's key: --key <vkey, PEM file or 64 hex digits>.");
  return {
    keys: (await Promise.all(key.map(keysIn))).flat(),
    witnesses: (await Promise.all(witness.map(keysIn))).flat(),
    ...(quorum === undefined ? {} : { quorum: count }),
    ...(known === undefined ? {} : { known: await smallFile(known, LIMITS.noteBytes) }),
    nowSec: Math.floor(Date.now() / 1000),
  };
}

/** Codes that say that the question was wrong, not the file. */
const BAD_QUESTION: ReadonlySet<string | null> = new Set(["no_key", "bad_key", "bad_known"]);

async function run(file: string, options: Options): Promise<number> {
  // First, so that no file is opened for a question that cannot be answered.
  const asked = await optionsOf(options);
  const report = await verify(file === "-" ? process.stdin : createReadStream(file), asked);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (report.verdict === "verified") return VERIFIED;
  return BAD_QUESTION.has(report.code) ? UNUSABLE : NOT_PROVEN;
}

const several = (value: string, before: readonly string[]): string[] => [...before, value];

async function main(argv: readonly string[]): Promise<number> {
  let exit = UNUSABLE;
  const program = new Command()
    .name("imu-verify")
    .description("verifies what an IMU device exported, from its public key alone")
    .argument("<file>", "a bundle, a ledger export or a checkpoint; - for standard input")
    .option(
      "--key <key>",
      "vkey, PEM file or hex of a device's key, or a file of vkeys; may be repeated",
      several,
      [],
    )
    .option("--witness <vkey>", "key of a witness, or a file of them; may be repeated", several, [])
    .option("--quorum <n>", "how many witnesses must have cosigned (default: all that are given)")
    .option("--known <file>", "a checkpoint from before, which this one must extend")
    .option("--json", "print the report as one JSON document")
    .addHelpText(
      "after",
      "\nExit codes: 0 everything is proven, 1 something is refuted or unproven, 2 it could not be judged.",
    )
    .exitOverride()
    .action(async (file: string, options: Options) => {
      exit = await run(file, options);
    });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? VERIFIED : UNUSABLE;
    process.stderr.write(`imu-verify: ${error instanceof Error ? error.message : String(error)}\n`);
    return UNUSABLE;
  }
}

process.exitCode = await main(process.argv.slice(2));
