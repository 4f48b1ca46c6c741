/** What every command on scenarios does the same way: exit 2 for a scenario that cannot be run, progress on a terminal. */
import { act, type Cli, type Handler } from "../command.ts";
import { errorJson, errorText, UsageError } from "../errors.ts";
import { BAD, FAILED } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { isScenarioError } from "./options.ts";

/** The handler as an action whose scenario errors are exit code 2. */
export function actOnScenario(cli: Cli, handler: Handler): ReturnType<typeof act> {
  return act(cli, async (session, call) => {
    try {
      return await handler(session, call);
    } catch (error) {
      if (session.io.signal.aborted) {
        session.note("interrupted; what was begun proves nothing");
        return FAILED;
      }
      if (error instanceof UsageError || !isScenarioError(error)) throw error;
      if (session.isJson) session.io.out(`${JSON.stringify(errorJson(error))}\n`);
      session.io.err(errorText(error, false));
      return BAD;
    }
  });
}

const ERASE_LINE = "\r\u001b[K";
const REDRAW_MS = 100;

/** One line on a person's terminal that is drawn again and again; nothing in a pipe. */
export class Progress implements Disposable {
  readonly #session: Session;
  #drawnMs = 0;
  #isShown = false;

  constructor(session: Session) {
    this.#session = session;
  }

  show(text: string): void {
    const { io, isJson } = this.#session;
    if (!io.isTty || isJson) return;
    const nowMs = io.clock.monoMs();
    if (this.#isShown && nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#isShown = true;
    io.err(`${ERASE_LINE}${text}`);
  }

  clear(): void {
    if (this.#isShown) this.#session.io.err(ERASE_LINE);
    this.#isShown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** `12 %`. */
export const percent = (share: number): string => `${String(Math.floor(share * 100)).padStart(3)} %`;
