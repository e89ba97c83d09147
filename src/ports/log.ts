// What a node tells its operator.

/** Further facts of one line: numbers and short texts, never values of users. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where messages for the operator go. Messages are whole sentences without a full stop. */
export interface Log {
  /** What helps to find a mistake and is too much for every day. */
  debug(message: string, fields?: LogFields): void;
  /** What changes in the normal course of things. */
  info(message: string, fields?: LogFields): void;
  /** What somebody should look at, while the node goes on. */
  warn(message: string, fields?: LogFields): void;
  /** What has failed, and needs somebody to act. */
  error(message: string, fields?: LogFields): void;
}
