// The namespaces of a node in memory: what is set holds, and nobody else hears of it.

import { utf8Text } from "../../src/base/bytes.ts";
import type {
  NamespaceApi,
  NamespacesView,
  NamespaceView,
  SettingsOfPrefix,
} from "../../src/node/api.ts";
import { mistakesIn } from "../../src/replica/namespace_rules.ts";
import { Namespaces } from "../../src/replica/namespaces.ts";
import { DenamoError } from "../../src/wire/errors.ts";

export class FakeNamespaces implements NamespaceApi {
  /** Members that are said to know other settings. */
  differing: string[] = [];
  readonly #namespaces = new Namespaces({ n: 3 }, []);
  #time = 0;

  list(): NamespacesView {
    const namespaces = this.#namespaces.all().map((namespace): NamespaceView => {
      const { prefix: bytes, ...inForce } = namespace;
      const prefix = utf8Text(bytes);
      const settings = this.#namespaces.table.entries.get(prefix)!.settings!;
      return { prefix, source: "set", setAtMs: this.#time, setBy: "n1", settings, inForce };
    });
    const { prefix: _, ...defaults } = this.#namespaces.defaults;
    return { defaults, namespaces, differing: this.differing };
  }

  async set(prefix: string, settings: SettingsOfPrefix): Promise<NamespaceView> {
    await undefined;
    const mistakes = mistakesIn(prefix, settings);
    if (mistakes.length > 0) {
      throw new DenamoError("bad_request", "no", mistakes.join("; "), { mistakes });
    }
    this.#namespaces.use(this.#namespaces.table.with(prefix, settings, ++this.#time, "n1"));
    return this.list().namespaces.find((view) => view.prefix === prefix)!;
  }

  async remove(prefix: string): Promise<boolean> {
    await undefined;
    const { table } = this.#namespaces;
    const existed = table.entries.get(prefix)?.settings !== undefined;
    if (existed) this.#namespaces.use(table.with(prefix, undefined, ++this.#time, "n1"));
    return existed;
  }
}
