// What others import: that all of it is documented, and that the package has what they need and no more.
//
// Neither check asks a registry, so both run wherever the tests do.

import assert from "node:assert/strict";

const ROOT = new URL("../", import.meta.url);

Deno.test("everything that mod.ts exports is documented, with the types that it names", async () => {
  const { success, printed } = await deno("doc", "--lint", "src/mod.ts");
  assert.ok(success, printed);
});

Deno.test("the package has the program and its documentation, and no tests or scripts", async () => {
  const files = await packagedFiles();
  assert.deepEqual(
    files.filter((path) => !path.includes("/")).sort(),
    ["CHANGELOG.md", "LICENSE", "README.md", "deno.json"],
  );
  assert.deepEqual(
    [...new Set(files.filter((path) => path.includes("/")).map((path) => path.split("/")[0]))]
      .sort(),
    ["docs", "src"],
  );
  for (const path of ["src/mod.ts", "src/cli/main.ts", "src/start_node.ts"]) {
    assert.ok(files.includes(path), path);
  }
});

Deno.test("what README links to is in the package", async () => {
  const files = new Set(await packagedFiles());
  const text = await Deno.readTextFile(new URL("README.md", ROOT));
  const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
  assert.ok(linked.length > 0);
  assert.deepEqual(linked.filter((path) => !files.has(path)), []);
});

let packaged: Promise<string[]> | undefined;

/** What would be published, by paths from the root of the project. Fails for types that are slow to find. */
function packagedFiles(): Promise<string[]> {
  return packaged ??= (async () => {
    // What is changed and not committed counts too.
    const { success, printed } = await deno("publish", "--dry-run", "--allow-dirty");
    assert.ok(success, printed);
    const files = [...printed.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url!);
    return files.map((url) => {
      assert.ok(url.startsWith(ROOT.href), url);
      return decodeURIComponent(url.slice(ROOT.href.length));
    });
  })();
}

async function deno(...args: string[]): Promise<{ success: boolean; printed: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { success, printed: decoder.decode(stdout) + decoder.decode(stderr) };
}
