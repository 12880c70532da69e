import { DriverError, type ErrorCode } from "../../src/errors.ts";

/** What an exporter in Python calls the errors of its storage library, in this project's terms. */
const KINDS: Readonly<Record<string, readonly [code: ErrorCode, words: string]>> = {
  AlreadyExists: ["invalid_argument", "it is there already"],
  ConditionNotMatch: ["io", "the file was changed in the meantime"],
  ConfigInvalid: ["driver", "the exporter's config is not right for its storage"],
  IsADirectory: ["invalid_argument", "it is a directory"],
  IsSameFile: ["invalid_argument", "source and target are the same file"],
  NotADirectory: ["invalid_argument", "it is no directory, or does not end with a /"],
  NotFound: ["not_found", "there is no such file or directory"],
  PermissionDenied: ["io", "the exporter may not do this"],
  RateLimited: ["unavailable", "the storage asks to slow down"],
  Unsupported: ["unimplemented", "the storage cannot do this"],
};

/**
 * An error as it is to be shown. The Python implementation sends whatever its storage library says, with backtrace and
 * all, and as one kind of error; what is known of it is told in one line, with the kind that it is.
 */
export function explained(error: unknown): unknown {
  if (!(error instanceof DriverError) || error.code !== "driver") return error;
  const { driver, method, message } = error;
  const [, kind = "", said = ""] = /^(\w+) \((?:permanent|temporary|persistent)\) at [^]*?=> ([^\n]*)/.exec(message) ??
    [];
  if (said === "") return error;
  const path = /^ {3}(?:path|from): (.*)$/m.exec(message)?.[1];
  const [code, words] = KINDS[kind] ?? ["driver", /^Source:\n {3}(.*)/m.exec(message)?.[1] ?? said];
  const subject = path === undefined ? "" : `"${path}": `;
  return new DriverError(code, subject + words, { driver, method, cause: error });
}
