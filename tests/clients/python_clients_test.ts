import { nodesIn, withClients, type Workplace } from "./outside.ts";

Deno.test("clients of Python find what they are used to", (t) =>
  withClients(t, {
    "redis-py": (place) => python(place, "redis_py.py", "redis==8.1.0"),
    "django's cache": (place) => python(place, "django_cache.py", "django==5.2.19", "redis==8.1.0"),
  }));

async function python(place: Workplace, script: string, ...packages: string[]) {
  await place.run("python3", [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"],
    ...["--target", "packages", ...packages],
  ]);
  await place.copy(`python/${script}`);
  return (nodes: Parameters<typeof nodesIn>[0]) =>
    place.run("python3", [script], { ...nodesIn(nodes), PYTHONPATH: "packages" });
}
