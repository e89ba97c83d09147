// How fast is a cluster beside one redis-server on the same machine?
//
//   deno run -A scripts/compare_redis.ts [--rounds 3] [--requests 30000] [--clients 256] [--size 1024]
//
// Three node processes (N=3, R=W=2, Noise, fsync before every acknowledgement) against one redis-server
// with `--appendonly yes --appendfsync always`, both driven by redis-benchmark, in turn, in one run: only
// the ratio means anything, since machines differ and are noisy. Needs redis-server and redis-benchmark.

import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "30000" },
    clients: { type: "string", default: "256" },
    size: { type: "string", default: "1024" },
    keys: { type: "string", default: "10000" },
    "port-base": { type: "string", default: "7600" },
  },
});

type Figures = Record<"SET" | "GET", number>;

const main = new URL("../src/cli/main.ts", import.meta.url).pathname;
const directory = await Deno.makeTempDir({ prefix: "denamo-compare-" });
const portBase = Number(options["port-base"]);
const redisPort = portBase + 99;

const redis = new Deno.Command("redis-server", {
  args: [
    ...["--port", String(redisPort), "--bind", "127.0.0.1", "--dir", directory],
    ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
  ],
  stdout: "null",
}).spawn();
const cluster = new Deno.Command(Deno.execPath(), {
  args: [
    ...["run", "-A", main, "cluster", "--data", `${directory}/data`],
    ...["--port-base", String(portBase), "--log-level", "warning"],
  ],
  stdout: "piped",
}).spawn();

try {
  await clusterReady(cluster.stdout);
  const ratios: Figures[] = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    const theirs = await measure(redisPort);
    const ours = await measure(portBase + 101);
    ratios.push({ SET: ours.SET / theirs.SET, GET: ours.GET / theirs.GET });
    for (const command of ["SET", "GET"] as const) {
      console.log(
        `round ${round} ${command}: denamo ${perSecond(ours[command])}, redis ${
          perSecond(theirs[command])
        }, ratio ${(ours[command] / theirs[command]).toFixed(3)}`,
      );
    }
  }
  for (const command of ["SET", "GET"] as const) {
    const sorted = ratios.map((ratio) => ratio[command]).sort((a, b) => a - b);
    console.log(`${command}: median ratio ${sorted[Math.floor(sorted.length / 2)]!.toFixed(3)}`);
  }
} finally {
  cluster.kill("SIGINT");
  redis.kill("SIGTERM");
  await Promise.all([cluster.status, redis.status]);
  await Deno.remove(directory, { recursive: true });
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
