/** Files behind an https:// URL: fetched by the exporter as they are, and by the client where they are packed. */
import assert from "node:assert/strict";
import { bytesOf, streamOf } from "../../../src/codec/bench_test.ts";
import { encode } from "../../../src/codec/mod.ts";
import { makeAuthority } from "../../fixtures/certificate.ts";
import { startExporter } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import { startJmp } from "../../fixtures/program.ts";

const flasher = { type: "jumpstarter_driver_opendal.driver.MockFlasher" };
const content = new Uint8Array(300_000).map((_, index) => index % 251);

Deno.test("an image behind an https:// URL is flashed by either side, if its server is trusted", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const ca = await place.write("ca.crt", authority.cert);
  const packed = await bytesOf(encode(streamOf(content), "gzip"));
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...await authority.issue() },
    (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      return new Response((pathname.endsWith(".gz") ? packed : content) as Uint8Array<ArrayBuffer>);
    },
  );
  await using _server = { [Symbol.asyncDispose]: () => server.shutdown() };
  const url = `https://127.0.0.1:${server.addr.port}/image.bin`;
  // Deno's own variable for an authority beside those of the system.
  const trusting = { DENO_CERT: ca };
  await using exporter = await startExporter(place, { config: { export: { flasher } }, env: trusting });
  await exporter.ready();
  const j = async (words: readonly string[], env = {}) => {
    await using program = startJmp(place, ["j", "flasher", ...words], { env: { ...exporter.env, ...env } });
    return await program.ended();
  };
  const back = place.path("back.bin");
  const assertFlashed = async () => {
    assert.equal((await j(["dump", back])).code, 0);
    assert.deepEqual(await Deno.readFile(back), content);
  };
  // The client knows nothing of the authority, and needs not: it is the exporter that fetches.
  assert.equal((await j(["flash", url])).code, 0);
  await assertFlashed();
  assert.equal((await j(["flash", `${url}.gz`], trusting)).code, 0);
  await assertFlashed();
  assert.deepEqual(asked, ["/image.bin", "/image.bin.gz"]);
  const { code, stdout, stderr } = await j(["flash", `${url}.gz?Signature=secret`]);
  assert.notEqual(code, 0);
  assert.equal(stdout, "");
  assert.match(stderr, /^j: [^\n]*cannot reach https:[^\n]*image\.bin\.gz/);
  assert.doesNotMatch(stderr, /secret/);
});
