/**
 * Whether an argument of a method stands for a file: a stream that its client has opened, or a request that the exporter
 * makes by itself. A schema that asks for one refuses all else before the call takes its turn:
 * `z.custom(isFileArgument, "must stand for a file")`.
 */
export function isFileArgument(argument: unknown): boolean {
  const { kind, uuid, url } = (argument ?? {}) as Record<string, unknown>;
  return typeof (kind === "presigned_request" ? url : uuid) === "string";
}
