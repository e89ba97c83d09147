// One request over HTTP with a deadline: whoever is attacked may never answer.

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

const PATIENCE_MS = 10_000;

/** The whole answer; undefined if none has come in time, or nobody is there. */
export async function request(
  url: string,
  init: RequestInit = {},
): Promise<HttpAnswer | undefined> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    // That nobody answers is what the caller wants to know.
    return undefined;
  }
}

/** A request with a body of JSON. */
export function json(method: string, body: unknown): RequestInit {
  const headers = { "content-type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}
