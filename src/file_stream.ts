/** How much is read of a file at a time: few large pieces cost a transfer far less than many small ones. */
const chunkBytes = 256 * 1024;

/**
 * What is left of a file, in larger pieces than its own `readable` has. The file is closed at the end, however that
 * comes.
 */
export function fileStream(file: Deno.FsFile): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = new Uint8Array(chunkBytes);
      const length = await file.read(chunk).catch((error) => {
        file.close();
        throw error;
      });
      if (length !== null) return controller.enqueue(chunk.subarray(0, length));
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
