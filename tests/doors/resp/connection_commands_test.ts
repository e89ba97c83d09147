import assert from "node:assert/strict";
import { Failure, type Reply, Verbatim, withDoor } from "./raw_client.ts";

Deno.test("HELLO chooses the version of the protocol", () =>
  withDoor(async ({ client }) => {
    const hello = await client.call("HELLO 3 AUTH default any SETNAME me");
    assert.ok(hello instanceof Map);
    assert.equal(hello.get("server"), "denamo");
    assert.equal(hello.get("proto"), 3);
    assert.deepEqual(hello.get("modules"), []);
    assert.equal(await client.call("CLIENT GETNAME"), "me");
    assert.equal(await client.call("RESET"), "RESET");
    assert.equal(await client.call("CLIENT GETNAME"), null);
    const again = await client.call("HELLO") as Reply[];
    assert.deepEqual(again.slice(4, 6), ["proto", 2]);
  }));

Deno.test("a HELLO that fails changes nothing", () =>
  withDoor(async ({ client }) => {
    const cases: [string, string][] = [
      ["HELLO 4", "NOPROTO unsupported protocol version"],
      ["HELLO x", "ERR Protocol version is not an integer or out of range"],
      ["HELLO 3 AUTH a", "ERR Syntax error in HELLO option 'AUTH'"],
      ["HELLO 3 FOO", "ERR Syntax error in HELLO option 'FOO'"],
      [
        "HELLO 3 SETNAME x AUTH eve x",
        "WRONGPASS invalid username-password pair or user is disabled.",
      ],
      [
        "HELLO 3 SETNAME \u00e9",
        "ERR Client names cannot contain spaces, newlines or special characters.",
      ],
    ];
    for (const [command, message] of cases) {
      assert.deepEqual(await client.call(command), new Failure(message), command);
    }
    assert.ok(Array.isArray(await client.call("HELLO")));
    assert.equal(await client.call("CLIENT GETNAME"), null);
  }));

Deno.test("small talk is answered as by Redis", () =>
  withDoor(async ({ api, client }) => {
    const cases: [string, Reply][] = [
      ["PING", "PONG"],
      ["PING hi", "hi"],
      ["PING a b", new Failure("ERR wrong number of arguments for 'ping' command")],
      ["ECHO hi", "hi"],
      ["SELECT 0", "OK"],
      ["SELECT 15", "OK"],
      ["SELECT 16", new Failure("ERR DB index is out of range")],
      ["SELECT x", new Failure("ERR value is not an integer or out of range")],
      ["AUTH default x", "OK"],
      ["AUTH a b c", new Failure("ERR syntax error")],
      ["CLIENT SETNAME worker-1", "OK"],
      ["CLIENT GETNAME", "worker-1"],
      ["CLIENT SETINFO LIB-NAME lib(x)", "OK"],
      ["CLIENT SETINFO lib-ver 1.2", "OK"],
      ["CLIENT SETINFO lib-x 1", new Failure("ERR Unrecognized option 'lib-x'")],
      ["CLIENT NO-EVICT on", "OK"],
      ["CLIENT NO-TOUCH off", "OK"],
      ["CLIENT NO-TOUCH x", new Failure("ERR syntax error")],
      ["CLIENT REPLY ON", "OK"],
      ["CLIENT FOO", new Failure("ERR unknown subcommand 'FOO'. Try CLIENT HELP.")],
      ["CLIENT", new Failure("ERR wrong number of arguments for 'client' command")],
      [
        "CLIENT SETNAME",
        new Failure("ERR wrong number of arguments for 'client|setname' command"),
      ],
      ["CLIENT LIST FOO", new Failure("ERR syntax error")],
      ["CLIENT LIST TYPE foo", new Failure("ERR Unknown client type 'foo'")],
      ["CLIENT LIST ID x", new Failure("ERR Invalid client ID")],
      ["CONFIG GET", new Failure("ERR wrong number of arguments for 'config|get' command")],
      ["CONFIG GET save", ["save", ""]],
      ["CONFIG GET append* nothing", ["appendfsync", "always", "appendonly", "yes"]],
      ["TIME", ["1800000000", "250000"]],
    ];
    api.now += 250;
    for (const [command, reply] of cases) {
      assert.deepEqual(await client.call(command), reply, command);
    }
  }));

Deno.test("CLIENT LIST shows each connection in a line", () =>
  withDoor(async ({ client, connect }) => {
    const other = await connect();
    await other.call("CLIENT SETNAME other");
    const id = await other.call("CLIENT ID");
    const list = await client.call("CLIENT LIST") as string;
    assert.equal(list.trimEnd().split("\n").length, 2);
    assert.match(list, new RegExp(`id=${id} addr=127.0.0.1:\\d+ .*name=other .*cmd=client`));
    assert.match(await client.call(`CLIENT LIST ID ${id}`) as string, /^id=\d+ [^\n]*name=other/);
    assert.equal(await client.call("CLIENT LIST TYPE replica"), "");
    assert.match(await other.call("CLIENT INFO") as string, new RegExp(`^id=${id} `));
  }));

Deno.test("INFO tells waiting and lonely nodes apart, and keeps no client waiting for a majority", () =>
  withDoor(async ({ api, client }) => {
    const all = api.members();
    const stateWith = async (connected: readonly string[]) => {
      api.members = () =>
        all.map((member) => ({ ...member, isConnected: connected.includes(member.node) }));
      const info = await client.call("INFO") as string;
      return [/\r\nstate:(\w+)/.exec(info)?.[1], /\r\nloading:(\d)/.exec(info)?.[1]];
    };
    assert.deepEqual(await stateWith([]), ["ready", "0"]);
    api.isReady = false;
    assert.deepEqual(await stateWith([]), ["alone", "0"]);
    assert.deepEqual(await stateWith(["n2"]), ["not_ready", "1"]);
    api.ringView = undefined;
    assert.deepEqual(await stateWith([]), ["waiting", "1"]);
  }));

Deno.test("INFO tells what monitoring and clients look for", () =>
  withDoor(async ({ api, client }) => {
    const info = await client.call("INFO") as string;
    for (const line of ["redis_version:7.0.0", "role:master", "loading:0", "node:n1", "ready:1"]) {
      assert.ok(info.includes(`${line}\r\n`), line);
    }
    assert.match(info, /member1:name=n2,state=up,zone=dc1\/rack2,resp=127.0.0.1:7202\r\n/);
    api.isReady = false;
    const some = await client.call("INFO persistence DENAMO nothing") as string;
    assert.match(some, /^# Persistence\r\nloading:1\r\n/);
    assert.match(some, /# Denamo\r\n(.*\r\n)*ready:0\r\n/);
    assert.ok(!some.includes("# Server"));
    assert.match(some, /\r\nstate:not_ready\r\n/);
    await client.call("HELLO 3");
    const verbatim = await client.call("INFO server");
    assert.ok(verbatim instanceof Verbatim && verbatim.text.startsWith("txt:# Server\r\n"));
  }));

Deno.test("COMMAND describes what is offered", () =>
  withDoor(async ({ client }) => {
    const count = await client.call("COMMAND COUNT");
    const all = await client.call("COMMAND") as Reply[];
    assert.equal(all.length, count);
    assert.equal((await client.call("COMMAND LIST") as Reply[]).length, count);
    const [get, append] = await client.call("COMMAND INFO get append") as [Reply[], null];
    assert.deepEqual(get.slice(0, 6), ["get", 2, ["readonly", "fast"], 1, 1, 1]);
    assert.equal(get.length, 10);
    assert.equal(append, null);
    const docs = await client.call("COMMAND DOCS get none") as Reply[];
    assert.deepEqual(docs, [
      "get",
      ["summary", "Get the value of a key", "group", "string"],
    ]);
    assert.deepEqual(
      await client.call("COMMAND FOO"),
      new Failure("ERR unknown subcommand 'FOO'. Try COMMAND HELP."),
    );
    const help = await client.call("COMMAND HELP") as Reply[];
    assert.deepEqual(help.slice(-3), ["GETKEYS", "HELP", "    Prints this help."]);
  }));

Deno.test("unknown commands are answered in the words of Redis", () =>
  withDoor(async ({ client }) => {
    const unknown = (name: string, rest: string) => {
      return new Failure(`ERR unknown command '${name}', with args beginning with: ${rest}`);
    };
    assert.deepEqual(await client.call("foo"), unknown("foo", ""));
    assert.deepEqual(await client.call("foo a b"), unknown("foo", "'a' 'b' "));
    const long = "x".repeat(200);
    assert.deepEqual(
      await client.call(long, "y".repeat(100), long, "z"),
      unknown("x".repeat(128), `'${"y".repeat(100)}' '${"x".repeat(25)}' `),
    );
    assert.deepEqual(await client.call("", "a\r\nb"), unknown("", "'a  b' "));
    assert.deepEqual(await client.call("foo\0bar", "a\0b"), unknown("foo", "'a' "));
  }));

Deno.test("what Redis knows and Denamo cannot promise is refused with the reason", () =>
  withDoor(async ({ api, client }) => {
    const cases: [string, string][] = [
      ["APPEND k v", "it reads and then writes, which cannot be atomic without consensus"],
      ["setnx k v", "it reads and then writes, which cannot be atomic without consensus"],
      ["SWAPDB 0 1", "its keys could not change together without consensus"],
      ["LPUSH l v", "there is no value of this type that merges"],
      ["INCRBYFLOAT k 1", "a sum of fractions depends on their order: count in the smallest unit"],
      ["EVAL x 0", "scripts would have to be atomic, which needs consensus"],
      ["SUBSCRIBE c", "there are no channels"],
    ];
    for (const [command, reason] of cases) {
      const name = command.split(" ")[0]!.toUpperCase();
      const message = `UNSUPPORTED ${name} is not supported: ${reason} (outcome: no)`;
      assert.deepEqual(await client.call(command), new Failure(message));
    }
    assert.deepEqual(
      await client.call("CLUSTER SLOTS"),
      new Failure("ERR This instance has cluster support disabled"),
    );
    assert.deepEqual(api.calls, []);
  }));
