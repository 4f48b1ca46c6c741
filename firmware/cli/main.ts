#!/usr/bin/env node
/** `imuctl`, the control tool of `imud`. */
import { runCli } from "./cli.ts";
import { processIo } from "./io.ts";

process.exitCode = await runCli(process.argv.slice(2), processIo());
