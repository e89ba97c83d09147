// Runs on a machine of its own and asks nodes for the tests, which cannot reach that network themselves.
//
// Each line that comes in is a question, each line that goes out the answer to one of them.

import { RawClient, type Reply } from "../doors/resp/raw_client.ts";

export type Question =
  | {
    readonly id: number;
    readonly url: string;
    readonly method: string;
    readonly body: string | undefined;
  }
  | {
    readonly id: number;
    readonly hostname: string;
    readonly port: number;
    readonly words: string[];
  };

export interface Answer {
  readonly id: number;
  /** Of HTTP; 0 if nobody has answered in time. */
  readonly status: number;
  readonly text: string;
  /** Of RESP; errors as their text. */
  readonly reply?: Reply;
}

/** A node gives up by itself before. */
const PATIENCE_MS = 15_000;

async function answerTo(question: Question): Promise<Answer> {
  const { id } = question;
  try {
    if ("words" in question) {
      const { hostname, port, words } = question;
      using client = new RawClient(await Deno.connect({ hostname, port }));
      const reply = await client.call(...words);
      const text = reply instanceof Object && "message" in reply ? reply.message : "";
      return { id, status: 200, text, reply };
    }
    const { url, method, body } = question;
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return { id, status: response.status, text: await response.text() };
  } catch (error) {
    return { id, status: 0, text: String(error) };
  }
}

if (import.meta.main) {
  const encoder = new TextEncoder();
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      answerTo(JSON.parse(line)).then((answer) =>
        Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(answer)}\n`))
      );
    }
  }
}
