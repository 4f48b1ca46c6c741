/** Runs one campaign apart from the driver, which ends it when an input takes too long or too much memory. */
import { parentPort, workerData } from "node:worker_threads";
import { type Found, FuzzCampaign } from "./campaign.ts";
import { distilled, type Entry } from "./corpus.ts";
import { targetOf } from "./targets/index.ts";
import { Watch } from "./watch.ts";

export interface WorkerOrder {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  readonly watched: SharedArrayBuffer;
}

export interface WorkerReport {
  readonly executed: number;
  readonly features: number;
  readonly hasNews: boolean;
  readonly corpus: readonly Entry[];
  readonly found: Found | null;
}

const order = workerData as WorkerOrder;
const watch = new Watch(order.watched);
const until = performance.now() + order.milliseconds;
const campaign = new FuzzCampaign(await targetOf(order.target), order.seed, {
  begin: (input) => watch.begin(input),
  end: () => watch.end(),
  isTimeUp: () => performance.now() >= until,
});
const found = campaign.run();
const { executed, features, hasNews, entries } = campaign;
const report: WorkerReport = { executed, features, hasNews, corpus: distilled(entries), found };
parentPort?.postMessage(report);
