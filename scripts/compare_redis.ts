// How fast is a cluster beside one redis-server, or beside another checkout of Denamo, on the same machine?
//
//   deno run -A scripts/compare_redis.ts [--rounds 3] [--requests 30000] [--clients 256] [--size 1024]
//   deno run -A scripts/compare_redis.ts --against ../denamo-before
//
// Three node processes (N=3, R=W=2, Noise, fsync before every acknowledgement) against one redis-server
// with `--appendonly yes --appendfsync always`, or against three nodes of the other checkout. Both are driven by
// redis-benchmark, by turns, in one run: only the ratio means anything, since machines differ and are noisy. Who
// comes first changes with every round. Needs redis-server and redis-benchmark.

import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "30000" },
    clients: { type: "string", default: "256" },
    size: { type: "string", default: "1024" },
    keys: { type: "string", default: "10000" },
    against: { type: "string" },
    "port-base": { type: "string", default: "7600" },
  },
});

const COMMANDS = ["SET", "GET"] as const;

type Figures = Record<typeof COMMANDS[number], number>;

/** What is measured: a program that answers at a port, and may not be ready at once. */
interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly process: Deno.ChildProcess;
  readonly ready: Promise<void>;
}

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const directory = await Deno.makeTempDir({ prefix: "denamo-compare-" });
const portBase = Number(options["port-base"]);

const ours = startCluster("denamo", root, portBase);
const { against } = options;
const theirs = against === undefined
  ? startRedis(portBase + 99)
  : startCluster("other", await Deno.realPath(against), portBase + 1_000);

try {
  await Promise.all([ours.ready, theirs.ready]);
  const ratios: Figures[] = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    const rates = new Map<Contestant, Figures>();
    for (const it of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      rates.set(it, await measure(it.port));
    }
    const [mine, other] = [rates.get(ours)!, rates.get(theirs)!];
    ratios.push({ SET: mine.SET / other.SET, GET: mine.GET / other.GET });
    for (const command of COMMANDS) {
      const [rate, otherRate] = [perSecond(mine[command]), perSecond(other[command])];
      const ratio = (mine[command] / other[command]).toFixed(3);
      console.log(
        `round ${round} ${command}: ${ours.name} ${rate}, ${theirs.name} ${otherRate}, ratio ${ratio}`,
      );
    }
  }
  for (const command of COMMANDS) {
    const sorted = ratios.map((ratio) => ratio[command]).sort((a, b) => a - b);
    console.log(`${command}: median ratio ${sorted[Math.floor(sorted.length / 2)]!.toFixed(3)}`);
  }
} finally {
  for (const { process } of [ours, theirs]) process.kill("SIGINT");
  await Promise.all([ours.process.status, theirs.process.status]);
  await Deno.remove(directory, { recursive: true });
}

function startRedis(port: number): Contestant {
  const process = new Deno.Command("redis-server", {
    args: [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory],
      ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
    ],
    stdout: "null",
  }).spawn();
  return { name: "redis", port, process, ready: Promise.resolve() };
}

/** Three nodes of a checkout. */
function startCluster(name: string, checkout: string, portBase: number): Contestant {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", `${checkout}/src/cli/main.ts`, "cluster", "--data", `${directory}/${name}`],
      ...["--port-base", String(portBase), "--log-level", "warning"],
    ],
    cwd: checkout,
    stdout: "piped",
  }).spawn();
  return { name, port: portBase + 101, process, ready: clusterReady(process.stdout) };
}

/** Reads what the cluster prints until it is ready, and the rest of it too, lest the pipe fill up. */
async function clusterReady(stdout: ReadableStream<Uint8Array>): Promise<void> {
  let printed = "";
  const ready = Promise.withResolvers<void>();
  (async () => {
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.includes("cluster ready")) ready.resolve();
    }
    ready.reject(new Error(`The cluster ended:\n${printed}`));
  })();
  await ready.promise;
}

async function measure(port: number): Promise<Figures> {
  const { stdout, stderr, success } = await new Deno.Command("redis-benchmark", {
    args: [
      ...["-p", String(port), "-t", "set,get", "-n", options.requests, "-c", options.clients],
      ...["-r", options.keys, "-d", options.size, "--csv"],
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`redis-benchmark failed: ${new TextDecoder().decode(stderr)}`);
  const rate = (command: string) => {
    const found = new RegExp(`^"${command}","([\\d.]+)"`, "m").exec(text);
    if (found === null) {
      throw new Error(`redis-benchmark printed no figure for ${command}:\n${text}`);
    }
    return Number(found[1]);
  };
  return { SET: rate("SET"), GET: rate("GET") };
}

function perSecond(rate: number): string {
  return `${Math.round(rate)}/s`;
}
