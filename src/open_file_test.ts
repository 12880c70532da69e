import assert from "node:assert/strict";
import { Place } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";
import { openFile } from "./open_file.ts";

Deno.test({
  name: "who gives up opening a pipe that nobody else opens is let go, at either end",
  ignore: Deno.build.os === "windows", // there are no such pipes
  async fn() {
    await using place = await Place.open();
    const paths = [await place.makePipe("read"), await place.makePipe("write")];
    // A thread that still waited would keep the process.
    const script = await place.write(
      "open.ts",
      `import { openFile } from ${JSON.stringify(import.meta.resolve("./open_file.ts"))};
      for (const path of ${JSON.stringify(paths)}) {
        const abort = new AbortController();
        const options = path.endsWith("/read") ? { read: true } : { write: true };
        const opening = openFile(path, options, abort.signal);
        setTimeout(() => abort.abort(new Error("enough")), 100);
        await opening.catch((error) => console.log(error.message));
      }`,
    );
    await using program = new Program(place, [Deno.execPath(), "run", "-A", script]);
    const { code, stdout, stderr } = await program.ended();
    assert.deepEqual([code, stdout, stderr], [0, "enough\nenough\n", ""]);
  },
});

Deno.test("a file is opened as Deno opens it, also where somebody could give up", async () => {
  await using place = await Place.open();
  const path = await place.write("a", "text");
  const abort = new AbortController();
  const file = await openFile(path, { read: true }, abort.signal);
  abort.abort(new Error("enough"));
  assert.equal(await new Response(file.readable).text(), "text");
  await assert.rejects(openFile(path, { read: true }, abort.signal), { message: "enough" });
  await assert.rejects(openFile(place.path("none"), { read: true }), Deno.errors.NotFound);
});
