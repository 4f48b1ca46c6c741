/** A recorded run by its id or from an exported file; either way everything is re-hashed. */
import { type ExportedRun, readRunExport } from "../composition/state-export.ts";
import { CodedError } from "../core/errors.ts";
import { readExportFile } from "./commands/evidence.ts";
import type { Session } from "./session.ts";
import { read } from "./state-access.ts";

/** A file if there is one of that name, else a run of the device. @throws CodedError of file, store and daemon. */
export async function recordedRun(session: Session, wanted: string): Promise<ExportedRun> {
  if (await session.io.files.info(session.path(wanted))) return readExportFile(session, wanted);
  const { value } = await read(session, "evidence.export", { runId: wanted });
  const run = readRunExport(value);
  if (run.ok) return run;
  throw new CodedError(
    run.code,
    `The stored run ${wanted} does not agree with its own hashes (${run.code}).`,
    { status: run.status, details: run.details },
  );
}
