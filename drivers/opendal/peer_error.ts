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
  const [, kind, said] =
    /^(\w+) \((?:permanent|temporary|persistent)\) at [^\n]*?(?:=> ([^\n]*))?(?:\n|$)/.exec(message) ??
      [];
  if (kind === undefined) return error;
  const [code, words] = KINDS[kind] ?? ["driver", reasonIn(message) ?? said ?? kind];
  const [, path] = /^ {3}(?:path|from): (.*)$/m.exec(message) ?? /, (?:path|from): ([^,}]*)[,}]/.exec(message) ?? [];
  const subject = path === undefined ? "" : `"${path}": `;
  // That a file is not there says it all.
  const detail = code === "not_found" ? undefined : answerIn(message);
  return new DriverError(code, `${subject}${words}${detail === undefined ? "" : ` (${detail})`}`, {
    driver,
    method,
    cause: error,
  });
}

/** What went wrong beneath, in the words of the system or of an object store. */
function reasonIn(message: string): string | undefined {
  return /^Source:\n {3}(.*)/m.exec(message)?.[1] ?? /S3Error \{ code: "[^"]*", message: "([^"]+)"/.exec(message)?.[1];
}

/** What a server has answered: an object store's own word for it, or the status. */
function answerIn(message: string): string | undefined {
  return /S3Error \{ code: "(\w+)"/.exec(message)?.[1] ?? /Parts \{ status: (\d+)/.exec(message)?.[1];
}
