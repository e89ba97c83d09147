import assert from "node:assert/strict";
import { drop, OpenDoor } from "./open_door.ts";

async function scrape(open: OpenDoor): Promise<string[]> {
  const response = await open.fetch("/metrics");
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  return (await response.text()).split("\n");
}

function has(lines: string[], line: string): void {
  assert.ok(lines.includes(line), `${line} is not among\n${lines.join("\n")}`);
}

Deno.test("/metrics counts requests by route, method and status, never by key", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/secret-1", "v"));
  await drop(await open.fetch("/kv/secret-1"));
  await drop(await open.fetch("/kv/secret-1"));
  await drop(await open.fetch("/kv/secret-2"));
  await drop(await open.fetch("/nope"));
  await drop(await open.fetch("/nope", { method: "BREW" }));
  const lines = await scrape(open);
  const count = (labels: string, value: number) =>
    has(lines, `denamo_http_requests_total{${labels}} ${value}`);
  count('route="/kv/{key}",method="PUT",status="204"', 1);
  count('route="/kv/{key}",method="GET",status="200"', 2);
  count('route="/kv/{key}",method="GET",status="404"', 1);
  count('route="unknown",method="GET",status="404"', 1);
  count('route="unknown",method="other",status="404"', 1);
  const durations = 'denamo_http_request_duration_seconds_count{route="/kv/{key}",method="GET"';
  has(lines, `${durations},status="200"} 2`);
  has(lines, "denamo_http_requests_in_flight 1");
  assert.doesNotMatch(lines.join("\n"), /secret|nope|BREW/);
});

Deno.test("/metrics shows what the process uses", async () => {
  await using open = await OpenDoor.open();
  const lines = await scrape(open);
  for (
    const name of [
      "process_cpu_seconds_total",
      "process_start_time_seconds",
      "process_resident_memory_bytes",
      "process_heap_bytes",
      "process_external_memory_bytes",
    ]
  ) {
    const line = lines.find((text) => text.startsWith(`${name} `));
    assert.ok(Number(line?.split(" ")[1]) > 0, name);
  }
});

Deno.test("/metrics shows what the node measures at that moment", async () => {
  await using open = await OpenDoor.open();
  open.api.measured = [
    { name: "reads_total", help: "Reads", kind: "counter", value: 0 },
    { name: "hints_count", help: "Hints", kind: "gauge", value: 3, labels: { owner: "n2" } },
    { name: "hints_count", help: "Hints", kind: "gauge", value: 4, labels: { owner: "n3" } },
    { name: "clock_skew_ms", help: "Skew", kind: "gauge", value: -12.5 },
  ];
  const lines = await scrape(open);
  has(lines, "# HELP denamo_reads_total Reads");
  has(lines, "# TYPE denamo_reads_total counter");
  has(lines, "denamo_reads_total 0");
  has(lines, "# TYPE denamo_hints_count gauge");
  has(lines, 'denamo_hints_count{owner="n2"} 3');
  has(lines, 'denamo_hints_count{owner="n3"} 4');
  has(lines, "denamo_clock_skew_ms -12.5");
  open.api.measured = [{ name: "reads_total", help: "Reads", kind: "counter", value: 7 }];
  const later = await scrape(open);
  has(later, "denamo_reads_total 7");
  assert.ok(!later.some((line) => line.includes("hints_count")));
});

Deno.test("two doors of one process count each for itself", async () => {
  await using first = await OpenDoor.open();
  await using second = await OpenDoor.open();
  await drop(await first.fetch("/kv/k"));
  const line = 'denamo_http_requests_total{route="/kv/{key}",method="GET",status="404"} 1';
  has(await scrape(first), line);
  assert.ok(!(await scrape(second)).includes(line));
});
