// The one error of every decoder: bytes from a disk, a peer or a client that mean nothing.

/** Thrown by decoders for bytes that they cannot have written. `where` names the format. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
  readonly where: string;

  constructor(where: string, problem: string) {
    super(`Cannot decode ${where}: ${problem}`);
    this.where = where;
  }
}
