import { nodesIn, withClients } from "./outside.ts";

/** A toolchain of several hundred megabytes: used where there is one. */
const hasGo = await new Deno.Command("go", { args: ["version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "clients of Go find what they are used to",
  ignore: !hasGo,
  fn: (t) =>
    withClients(t, {
      "go-redis": async (place) => {
        await place.copy("go/main.go");
        await place.run("go", ["mod", "init", "client"]);
        await place.run("go", ["get", "github.com/redis/go-redis/v9@v9.19.0"]);
        await place.run("go", ["build", "-o", "client", "."], { CGO_ENABLED: "0" });
        return (nodes) => place.run("./client", [], nodesIn(nodes));
      },
    }),
});
