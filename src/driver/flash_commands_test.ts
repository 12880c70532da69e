import assert from "node:assert/strict";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { serveFiles } from "../../tests/fixtures/file_server.ts";
import { Place } from "../../tests/fixtures/place.ts";
import { JumpstarterError } from "../errors.ts";
import { flashCommands, type ImageClient } from "./flash_commands.ts";

/** Runs `flash` with images; `flash` of its client is called with the text of each. */
async function flash(place: Place, images: readonly string[], onFlash: (text: string) => void): Promise<void> {
  const { context } = openTestTerminal({ cwd: place.dir });
  const client = {
    async flash(source: ReadableStream<Uint8Array<ArrayBuffer>>) {
      onFlash(await new Response(source).text());
    },
  };
  const [command] = flashCommands();
  const input = { args: {}, options: { target: images } };
  const run = command?.run(client as unknown as ImageClient, input, context);
  await Array.fromAsync(run as AsyncIterable<unknown>);
}

Deno.test("a compressed image behind a URL is fetched when its turn comes", async () => {
  await using place = await Place.open();
  await using server = serveFiles({ "/a.gz": "one", "/b.gz": "two" });
  const seen: [text: string, requests: number][] = [];
  const images = [`boot:${server.url}/a.gz`, `root:${server.url}/b.gz`];
  await flash(place, images, (text) => void seen.push([text, server.requests.length]));
  assert.deepEqual(seen, [["one", 1], ["two", 2]]);
});

Deno.test("a file that is not there is told before anything is written", async () => {
  await using place = await Place.open();
  await place.write("a.img", "one");
  const written: string[] = [];
  await assert.rejects(
    flash(place, ["boot:a.img", "root:none.img"], (text) => void written.push(text)),
    (error) => error instanceof JumpstarterError && error.code === "config",
  );
  assert.deepEqual(written, []);
});
