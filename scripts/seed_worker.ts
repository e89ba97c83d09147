// What runs on a thread of the simulator: each message is a task, each answer a report.

import { reportSeed, type SeedTask } from "../tests/sim/seed_report.ts";

/** What a worker has and a window has not. */
declare const self: {
  onmessage: ((event: MessageEvent<SeedTask>) => Promise<void>) | null;
  postMessage(message: unknown): void;
};

self.onmessage = async ({ data }) => self.postMessage(await reportSeed(data));
