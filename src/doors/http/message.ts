// Requests and answers of HTTP, as far as operations need them.

/** The fields of a request's head. */
export interface RequestHeaders {
  /** The value of a field, whatever the case of its name; several of one name are parted by commas. */
  get(name: string): string | null;
}

/** The body of a request while it comes. */
export interface RequestBody {
  /** As the client announced it, in bytes; undefined if it comes in chunks. */
  readonly sizeBytes: number | undefined;
  /**
   * The next piece, undefined at the end. It is good until the next call.
   *
   * @throws {DenamoError} `bad_request` if the client goes away or breaks the protocol
   */
  next(): Promise<Uint8Array | undefined>;
  /** Makes `next` fail with this from now on, also where it is being waited for. */
  interrupt(reason: Error): void;
  /** Says how much of it is held; false if the memory for clients is full. */
  hold(bytes: number): boolean;
}

export interface HttpRequest {
  /** As it came: methods are in capital letters. */
  readonly method: string;
  /** What stands in the request line, unchanged. */
  readonly target: string;
  readonly headers: RequestHeaders;
  /** Undefined if there is none. */
  readonly body: RequestBody | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** The names in any case; Date and Content-Length are added where the answer is sent. */
  readonly headers: Record<string, string>;
  /** Undefined if there is none. */
  readonly body: Uint8Array | undefined;
}
