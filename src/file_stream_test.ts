import assert from "node:assert/strict";
import { fileStream } from "./file_stream.ts";

Deno.test("a file is read whole, in large pieces, and closed at its end or before", async () => {
  const path = await Deno.makeTempFile();
  try {
    const content = crypto.getRandomValues(new Uint8Array(60_000)), size = content.length * 11;
    await Deno.writeFile(path, new Uint8Array(Array(11).fill([...content]).flat()));
    const pieces = await Array.fromAsync(fileStream(await Deno.open(path)));
    assert.equal(pieces.reduce((sum, { length }) => sum + length, 0), size);
    assert.ok(pieces.length <= 4, `${pieces.length} pieces`);
    const reader = fileStream(await Deno.open(path)).getReader();
    await reader.read();
    await reader.cancel(); // the test fails when the file is left open
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a file that cannot be read on is closed, and its error is the reader's", async () => {
  const file = await Deno.open(Deno.cwd()); // a directory opens, and does not read
  await assert.rejects(fileStream(file).getReader().read(), Deno.errors.IsADirectory);
});
