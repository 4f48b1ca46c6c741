/** One device: opened in order, started in order, stopped in reverse with its outputs safe. */

import type { LoadedRelease } from "../../ota/index.ts";
import { CodedError, codeOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { verifyStore } from "../ledger/index.ts";
import { phiOf } from "../policy/index.ts";
import type { Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { startAnchoring } from "./anchoring.ts";
import { recordAllApplied } from "./applied.ts";
import type { Config } from "./config-schema.ts";
import { type DeviceParts, daemonEvent, driveAllSafe, openParts } from "./device-parts.ts";
import { resourcesOf, resourcesOfOutputs } from "./hardware-needs.ts";
import type { Platform } from "./platform.ts";
import { setOfRelease } from "./release-loader.ts";
import { writeKnownCheckpoint } from "./rescue/known-checkpoint.ts";
import { releaseHold } from "./rescue/rescue.ts";
import { startUpdates } from "./updates.ts";

export { type BootState, type DeviceParts, SHARED_DOCUMENT } from "./device-parts.ts";

const BIND_MS = 5000;

export class Device implements AsyncDisposable {
  readonly parts: DeviceParts;
  #transport: AsyncDisposable | null = null;
  #stopped: Promise<void> | null = null;
  #binding: Timer | null = null;

  private constructor(parts: DeviceParts) {
    this.parts = parts;
  }

  /** Opens everything; nothing is driven and nothing runs yet. @throws ResourceRequired, CodedError with the remedy. */
  static async open(
    config: Config,
    options: { readonly platform: Platform; readonly log: Log },
  ): Promise<Device> {
    return new Device(await openParts(config, options.platform, options.log));
  }

  /** Outputs safe, then what was found at this boot, then links and updates, then programs. */
  async start(): Promise<void> {
    const { state, runs, fleet, boot, alerts } = this.parts;
    if (boot.state === "initializing") boot.state = "binding";
    await driveAllSafe(this.parts, "start");
    await this.#storeDocuments();
    for (const { name, reason } of runs.set.refused)
      alerts.raise("program_invalid", { program: name, reason }, "warn");
    await this.#checkLedger();
    await this.#bind();
    await fleet.outbox.start();
    startAnchoring(this.parts, await recordAllApplied(this.parts));
    await fleet.commands.start();
    await fleet.sync?.start();
    fleet.status.start();
    await this.parts.care?.guard.start();
    if (boot.state === "binding" && !(await this.#lockWhenBound({ boot: true }))) this.#awaitOutputs();
    fleet.status.changed();
    this.parts.asking.start();
    this.parts.care?.housekeeping.start();
    this.#transport = await startUpdates(this);
    state.clock.trust() !== "trusted" &&
      alerts.raise("clock_untrusted", { trust: state.clock.trust() }, "warn");
  }

  /** Documents of what may run are kept with the runs, so that every record can be replayed. */
  async #storeDocuments(): Promise<void> {
    const { state, runs } = this.parts;
    const ops = [...runs.set.programs.values()].map(({ programHash, document }) =>
      state.runs.stageDocument(programHash, document),
    );
    if (ops.length > 0) await state.ledger.commit({ events: [], ops });
  }

  /** From the last checkpoint on, at every start (ledger.md 10). */
  async #checkLedger(): Promise<void> {
    const { state, alerts } = this.parts;
    const { ledger, store, identity } = state;
    if (ledger.openedAs.is !== "ready")
      alerts.raise("ledger_bad", { is: ledger.openedAs.is, ...ledger.openedAs.details }, "critical");
    const { ok, firstBad, reason } = await verifyStore(
      store,
      { logKeys: ledger.logKeys, origin: ledger.origin, headKey: identity.headKey },
      { epoch: ledger.epoch, fromLastCheckpoint: true },
    );
    if (!ok) alerts.raise("ledger_bad", { firstBad, reason }, "critical");
  }

  /** Outputs are there and safe: effects are allowed from now on, and programs are triggered. */
  async #lockWhenBound(options: { readonly boot: boolean }): Promise<boolean> {
    const { board, runs, boot, triggers } = this.parts;
    for (const need of resourcesOfOutputs(runs.set.policy))
      if (await board.hardware.probe(need)) return false;
    if (boot.state !== "binding") return false;
    boot.state = "locked";
    await triggers.arm(runs.set, options);
    return true;
  }

  /** Looks every 5 s whether the outputs' hardware has appeared; then they go safe first. */
  #awaitOutputs(): void {
    const { state, fleet, boot, runs, board, log } = this.parts;
    this.#binding = state.clock.after(BIND_MS, () => {
      const look = async (): Promise<void> => {
        for (const need of resourcesOfOutputs(runs.set.policy)) if (await board.hardware.probe(need)) return;
        await driveAllSafe(this.parts, "bound");
        if (await this.#lockWhenBound({ boot: true })) fleet.status.changed();
      };
      void look()
        .catch((error: unknown) => log.error("binding_failed", { code: codeOf(error) }))
        .finally(() => {
          if (boot.state === "binding" && this.#stopped === null) this.#awaitOutputs();
        });
    });
  }

  /** Missing hardware is named with its remedy; programs that need it fail typed, the others run. */
  async #bind(): Promise<void> {
    const { board, runs, alerts } = this.parts;
    for (const need of resourcesOf(runs.set.policy)) {
      const missing = await board.hardware.probe(need);
      if (missing)
        alerts.raise(
          "resource_required",
          { ...missing, commands: [...missing.commands], env: { ...missing.env } },
          "error",
        );
    }
  }

  /**
   * Puts a release in force for all runs from now on: drains, drives what the old one alone declared safe (with `safe`
   * everything), switches, arms its triggers.
   */
  async adopt(release: LoadedRelease, options: { readonly safe: boolean }): Promise<void> {
    const { runs, triggers, capabilities, budget, loader, fleet, boot } = this.parts;
    const next = setOfRelease(release, loader);
    await triggers.disarm();
    if (options.safe) await driveAllSafe(this.parts, "rollback");
    await runs.drain("overlap_restart");
    const gone = runs.set.policy.outputs.filter(
      ({ uri }) => !next.policy.outputs.some((output) => output.uri === uri),
    );
    await capabilities.outputs.driveAllSafe(gone, "policy_change");
    budget.adopt(phiOf(next.policy).budget);
    runs.adopt(next);
    // An output that only the new release declares has not been driven yet: it starts safe.
    const fresh = next.policy.outputs.filter(({ uri }) => capabilities.outputs.drivenLevel(uri) === null);
    await capabilities.outputs.driveAllSafe(fresh, "policy_change");
    await this.#storeDocuments();
    if (boot.state === "safe_mode") {
      await this.parts.state.ledger.commit({ events: [], ops: [releaseHold()] });
      boot.state = "locked";
    }
    await triggers.arm(next, { boot: false });
    fleet.status.changed();
  }

  /** Outputs safe and no programs; sensing, link and commands stay alive. */
  async enterSafeMode(reason: string): Promise<void> {
    const { runs, triggers, boot, alerts, fleet, state } = this.parts;
    boot.state = "safe_mode";
    await triggers.disarm();
    await driveAllSafe(this.parts, "safe_mode");
    await runs.drain("overlap_restart");
    runs.adopt({ ...runs.set, programs: new Map() });
    await state.ledger.commit({ events: [daemonEvent("safe_mode_enter", { reason }, "critical")], ops: [] });
    alerts.raise("safe_mode", { reason }, "critical");
    fleet.status.changed();
  }

  /** Stops admitting, drives every output safe, says so, and closes in reverse order. Idempotent. */
  stop(reason: string): Promise<void> {
    this.#stopped ??= this.#stop(reason);
    return this.#stopped;
  }

  async #stop(reason: string): Promise<void> {
    const { state, runs, capabilities, fleet, triggers, boot, link, board, updates, care, asking } =
      this.parts;
    boot.state = "stopping";
    this.#binding?.cancel();
    care?.guard[Symbol.dispose]();
    await this.#closeInTurn([
      ["triggers", () => triggers[Symbol.asyncDispose]()],
      ["asking", async () => asking[Symbol.dispose]()],
      ["transport", () => this.#transport?.[Symbol.asyncDispose]()],
      ["runs", () => runs[Symbol.asyncDispose]()],
      ["outputs_safe", () => driveAllSafe(this.parts, "shutdown")],
      ["housekeeping", () => care?.housekeeping[Symbol.asyncDispose]()],
      ["updates", () => updates[Symbol.asyncDispose]()],
      ["commands", () => fleet.commands[Symbol.asyncDispose]()],
      ["sync", () => fleet.sync?.[Symbol.asyncDispose]()],
      ["status", () => fleet.status[Symbol.asyncDispose]()],
      ["outbox", () => fleet.outbox[Symbol.asyncDispose]()],
      ["shutdown_entry", () => this.#recordShutdown(reason)],
      // While commits are still taken, so that the fingerprint of this checkpoint is kept for the next start.
      ["checkpoint", () => state.ledger.checkpoint()],
      ["ledger", () => state.ledger.close()],
      ["last_checkpoint", () => this.#keepCheckpoint()],
      ["link", () => link.close()],
      ["outputs", () => capabilities.outputs.close()],
      ["board", () => board.close()],
      ["store", () => state.store[Symbol.asyncDispose]()],
    ]);
  }

  /** Beside the database, so that a lost or older database is known for what it is. */
  async #keepCheckpoint(): Promise<void> {
    const { state, config } = this.parts;
    const note = await state.ledger.reader.checkpoint();
    if (note !== null) await writeKnownCheckpoint(state.files, config.stateDir, note);
  }

  async #recordShutdown(reason: string): Promise<void> {
    const events = [daemonEvent("shutdown", { reason } satisfies JsonObject)];
    await this.parts.state.ledger.commit({ events, ops: [] }, { urgent: true });
  }

  /**
   * A disk that cannot be written must not keep the outputs from going safe and the rest from being closed: what fails
   * with a code is logged, and the next boot says `unclean`. A fault of the daemon itself is thrown when all is closed.
   */
  async #closeInTurn(steps: readonly (readonly [part: string, close: () => unknown])[]): Promise<void> {
    const faults: unknown[] = [];
    for (const [part, close] of steps) {
      try {
        await close();
      } catch (error) {
        this.parts.log.error("stop_failed", { part, code: codeOf(error) });
        if (!(error instanceof CodedError)) faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("dispose");
  }
}
