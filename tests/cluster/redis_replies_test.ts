import { compareCluster } from "../redis/cluster_difference.ts";
import { Recording } from "../redis/recording.ts";

Deno.test("replies of a cluster are those that Redis gave, whichever node is asked", async () => {
  const recording = await Recording.read();
  await compareCluster((session) => recording.play(session));
});
