/**
 * A stream that `open` makes of `source` once somebody reads. Until then nothing runs, so that a stream which is made
 * and never read leaves nothing behind. What goes wrong is put into words by `explain`, except for the source's own
 * errors: they pass as they are.
 */
export function lazyStream(
  source: ReadableStream<Uint8Array>,
  open: (source: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>,
  explain: (error: unknown) => Error,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const watched = watch(source);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        reader ??= (await open(watched.stream)).getReader();
        const { value } = await reader.read();
        if (value === undefined) return controller.close();
        controller.enqueue(value);
      } catch (error) {
        await watched.cancel(error);
        throw watched.failure === undefined ? explain(error) : watched.failure.error;
      }
    },
    cancel: (reason) => reader === undefined ? watched.cancel(reason) : reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** The same bytes, with the error kept that they ended with. */
function watch(source: ReadableStream<Uint8Array>) {
  const reader = source.getReader();
  const watched = {
    failure: undefined as { error: unknown } | undefined,
    cancel: (reason: unknown) => reader.cancel(reason).catch(() => {/* it has failed by itself */}),
    stream: new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { value } = await reader.read();
          if (value === undefined) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          watched.failure = { error };
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 }),
  };
  return watched;
}
