/** `imuctl program`: everything for people who write programs. None of it touches a device. */
import type { Command } from "commander";
import { add, type Cli } from "../command.ts";
import { addProgramBuild } from "./program-build.ts";
import { addProgramCheck } from "./program-check.ts";
import { addProgramDisasm } from "./program-disasm.ts";
import { addProgramProfile } from "./program-profile.ts";
import { addProgramTrace } from "./program-trace.ts";

export function addProgram(program: Command, cli: Cli): void {
  const group = add(program, "program", { does: "build, check, read, trace and profile programs" });
  addProgramBuild(group, cli);
  addProgramCheck(group, cli);
  addProgramDisasm(group, cli);
  addProgramTrace(group, cli);
  addProgramProfile(group, cli);
}
