// One attack in a thread of its own, so that those who are served beside it are not slowed by it.

import { attackByHttp } from "./http_attack.ts";
import { attackByResp } from "./resp_attack.ts";
import { attackByRpc, type Attacked } from "./rpc_attack.ts";
import { attackDecoders } from "./decoder_attack.ts";
import type { ClusterFacts } from "./rpc_words.ts";
import { Tally, type TallyWords } from "./tally.ts";

export type AttackKind = "decoders" | "rpc" | "resp" | "http";

/** What a thread is told. */
export interface AttackOrder {
  readonly kind: AttackKind;
  readonly seed: string;
  readonly inputCount: number;
  readonly forMs: number;
  readonly firstBatch: number;
  readonly nodes: readonly (Attacked & { readonly resp: number; readonly http: number })[];
  readonly facts: ClusterFacts;
  readonly insider: { readonly name: string; readonly identity: Uint8Array };
}

/** What it tells. */
export interface AttackReport {
  readonly tally: TallyWords;
  readonly isDone: boolean;
}

/** The half of a worker's global scope that is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<AttackOrder>) => void) | null;
  postMessage(report: AttackReport): void;
}

const scope = globalThis as unknown as Scope;

const REPORT_EVERY_MS = 1_000;

scope.onmessage = async ({ data: order }) => {
  const tally = new Tally();
  const tell = (isDone: boolean) => scope.postMessage({ tally: tally.words(), isDone });
  const timer = setInterval(() => tell(false), REPORT_EVERY_MS);
  try {
    await attack(order, tally);
  } catch (error) {
    tally.findings.push(`The attack has failed: ${error instanceof Error ? error.stack : error}`);
  } finally {
    clearInterval(timer);
    tell(true);
  }
};

async function attack(order: AttackOrder, tally: Tally): Promise<void> {
  const { facts, firstBatch, inputCount, insider, kind, nodes, seed } = order;
  const endsAtMs = performance.now() + order.forMs;
  const isOver = () => performance.now() >= endsAtMs;
  const common = { seed, isOver, firstBatch, inputCount };
  switch (kind) {
    case "decoders":
      return attackDecoders({ seed, isOver }, tally);
    case "rpc":
      return await attackByRpc(
        { ...common, nodes, facts, insider, messageCount: inputCount },
        tally,
      );
    case "resp":
      return await attackByResp({ ...common, nodes: portsOf(nodes, "resp") }, tally);
    case "http":
      return await attackByHttp({ ...common, nodes: portsOf(nodes, "http") }, tally);
  }
}

function portsOf(nodes: AttackOrder["nodes"], door: "resp" | "http") {
  return nodes.map((node) => ({ name: node.name, port: node[door] }));
}
