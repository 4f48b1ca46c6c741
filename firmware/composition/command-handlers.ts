/** What the signed commands do on this device (trust.md 7.2). */
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { CommandHandler } from "../fleet/index.ts";
import { type DeviceParts, driveAllSafe } from "./device-parts.ts";
import { runSummary, statusSummary } from "./summaries.ts";
import { updateStatus } from "./updates.ts";

/** @param parts the device, known only after the services that take the handlers are built. */
export function commandHandlers(parts: () => DeviceParts): Readonly<Record<string, CommandHandler>> {
  return {
    "run.start": async (args, context) => {
      const { runs } = parts();
      const payload = isJsonObject(args.payload) ? args.payload : {};
      const trigger = { kind: "command", commandId: context.commandId, name: context.name };
      const result = await runs.start({ program: String(args.program), trigger, payload });
      if (!result.ok)
        return {
          status: result.status,
          code: result.code,
          details: { runId: result.runId, reason: result.reason, ...result.details },
        };
      const summary = runSummary(result);
      const { status } = result.report.reply;
      return {
        status,
        code: result.report.reply.ok ? "ok" : (result.report.reply.reason ?? "refused"),
        details: summary,
      };
    },
    "status.get": async () => ({ status: 200, details: statusSummary(parts()) }),
    "ota.status": async () => ({ status: 200, details: await updateStatus(parts()) }),
    "ledger.head": async () => {
      const { size, lastHash, lastTs } = parts().state.ledger.head;
      return { status: 200, details: { size, lastHash, lastTs, origin: parts().state.ledger.origin } };
    },
    "outputs.safe": async () => {
      const driven = await driveAllSafe(parts(), "command");
      const allSafe = driven.every((record: JsonObject) => record.driven !== false);
      return {
        status: allSafe ? 200 : 500,
        code: allSafe ? "ok" : "safe_state_failed",
        details: { outputs: driven.map((record) => ({ ...record })) },
      };
    },
  };
}
