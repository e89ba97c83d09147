// What INFO, CONFIG GET and CLIENT LIST tell those who watch a node.

import assert from "node:assert/strict";
import { DenamoError } from "../../../src/wire/errors.ts";
import { type RawClient, withDoor } from "./raw_client.ts";

/** The lines of INFO by their names. */
async function infoOf(client: RawClient, sections = ""): Promise<Map<string, string>> {
  const text = await client.call(`INFO ${sections}`.trim()) as string;
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

Deno.test("INFO has the lines that redis-cli --stat, exporters and dashboards read", () =>
  withDoor(async ({ client }) => {
    const info = await infoOf(client);
    const numbers = [
      ...["uptime_in_seconds", "process_id", "tcp_port", "server_time_usec", "arch_bits"],
      ...["connected_clients", "maxclients", "blocked_clients"],
      ...["used_memory", "used_memory_rss", "maxmemory", "mem_fragmentation_ratio"],
      ...["loading", "aof_enabled", "rdb_bgsave_in_progress", "rdb_changes_since_last_save"],
      ...["total_connections_received", "total_commands_processed", "instantaneous_ops_per_sec"],
      ...["total_net_input_bytes", "total_net_output_bytes", "rejected_connections"],
      ...["total_error_replies", "connected_slaves", "used_cpu_sys", "used_cpu_user"],
      ...["cluster_enabled"],
    ];
    for (const name of numbers) assert.match(info.get(name) ?? "absent", /^\d+(\.\d+)?$/, name);
    assert.match(info.get("used_memory_human")!, /^\d+\.\d\d[KMG]$/);
    assert.equal(info.get("maxmemory_human"), "0B");
    assert.ok(Number(info.get("used_memory")) > 1_000_000);
    assert.ok(Number(info.get("used_cpu_user")) > 0);
  }));

Deno.test("INFO counts what has come and gone", () =>
  withDoor(async ({ client, connect }) => {
    const before = await infoOf(client, "stats");
    await (await connect()).call("SET", "k", "x".repeat(50_000));
    await client.call("GET k");
    await client.call("NOSUCH");
    const after = await infoOf(client, "stats");
    const more = (name: string) => Number(after.get(name)) - Number(before.get(name));
    // SET, GET, NOSUCH, and the second INFO.
    assert.equal(more("total_commands_processed"), 4);
    assert.equal(more("total_connections_received"), 1);
    assert.equal(more("total_error_replies"), 1);
    assert.ok(more("total_net_input_bytes") > 50_000 && more("total_net_output_bytes") > 50_000);
  }));

Deno.test("INFO commandstats tells how often commands ran, failed and were rejected", () =>
  withDoor(async ({ api, client }) => {
    await client.call("SET k v");
    // Also those of a pipeline.
    await client.send("GET k\r\nGET l\r\nGET\r\nSET m v\r\n");
    for (let i = 0; i < 4; i++) await client.reply();
    api.failNext(new DenamoError("stopped", "no", "The node is stopping"));
    await client.call("SET k v");
    const stats = await infoOf(client, "commandstats");
    const counts = (name: string) => {
      const line = stats.get(`cmdstat_${name}`)!;
      const form =
        /^calls=(\d+),usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=(\d+),failed_calls=(\d+)$/;
      return form.exec(line)!.slice(1).map(Number);
    };
    assert.deepEqual(counts("set"), [3, 0, 1]);
    assert.deepEqual(counts("get"), [2, 1, 0]);
    assert.ok(!(await infoOf(client)).has("cmdstat_set"));
    assert.ok((await infoOf(client, "everything")).has("cmdstat_set"));
  }));

Deno.test("CONFIG GET answers what monitoring asks for", () =>
  withDoor(async ({ client }) => {
    const cases: readonly (readonly [name: string, value: RegExp])[] = [
      ["maxmemory", /^0$/],
      ["maxmemory-policy", /^noeviction$/],
      ["maxclients", /^\d+$/],
      ["save", /^$/],
      ["appendonly", /^yes$/],
      ["appendfsync", /^always$/],
      ["databases", /^\d+$/],
      ["timeout", /^0$/],
      ["port", /^\d+$/],
      ["requirepass", /^$/],
      ["cluster-enabled", /^no$/],
    ];
    for (const [name, value] of cases) {
      const [shown, text] = await client.call(`CONFIG GET ${name}`) as [string, string];
      assert.equal(shown, name);
      assert.match(text, value, name);
    }
  }));

Deno.test("CLIENT LIST has the fields of Redis, in its order", () =>
  withDoor(async ({ client, connect }) => {
    const half = await connect();
    await half.call("CLIENT SETNAME half");
    await half.send(`*2\r\n$4\r\nECHO\r\n$100000\r\n${"x".repeat(50_000)}`);
    const names =
      "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem " +
      "multi-mem obl oll omem tot-mem events cmd user redir resp lib-name lib-ver";
    for (;;) {
      const list = await client.call("CLIENT LIST") as string;
      const line = list.split("\n").find((one) => one.includes("name=half"))!;
      assert.deepEqual(line.split(" ").map((field) => field.split("=")[0]), names.split(" "));
      if (/ qbuf=[1-9]\d{4,} .* tot-mem=[1-9]\d{4,} /.test(line)) break;
    }
  }));
