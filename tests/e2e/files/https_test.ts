/** Files behind an https:// URL: fetched by the exporter as they are, and by the client where they are packed. */
import assert from "node:assert/strict";
import { bytesOf, streamOf } from "../../../src/codec/bench_test.ts";
import { encode } from "../../../src/codec/mod.ts";
import { type Certificate, makeAuthority, makeSelfSigned } from "../../fixtures/certificate.ts";
import { keyToPem, makeCertificate, makeKeys } from "../../../src/trust/mod.ts";
import { startExporter } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import { runJmp, startJmp } from "../../fixtures/program.ts";

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
  const words = ["j", "-v", "flasher", "flash", `${url}.gz?Signature=(secret)`];
  const { code, stdout, stderr } = await runJmp(place, words, { env: exporter.env });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^j: cannot reach https:\S+image\.bin\.gz: its certificate is not trusted\n/);
  assert.match(stderr, /UnknownIssuer/);
  assert.doesNotMatch(stderr, /secret/);
});

/** Makes a certificate that nobody else vouches for, valid for two days from `notBefore` on. */
async function makeOwn(use: "server" | "authority", notBefore: Date): Promise<Certificate> {
  const party = { name: "Test server", keys: await makeKeys() };
  const notAfter = new Date(notBefore.getTime() + 48 * 3_600_000);
  const cert = await makeCertificate(party, party, { use, names: ["127.0.0.1"], notBefore, notAfter });
  return { cert, key: await keyToPem(party.keys) };
}

Deno.test("what is wrong with a server's certificate is told by either side, with what to try", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const trusting = { DENO_CERT: await place.write("ca.crt", authority.cert) };
  await using exporter = await startExporter(place, { config: { export: { flasher } }, env: trusting });
  await exporter.ready();
  const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000);
  const cases = [
    [await makeSelfSigned(), /its certificate is not trusted\n {2}start what fetches it .*DENO_CERT=FILE.*\n$/],
    [await authority.issue({ notAfter: inDays(-1) }), /its certificate has expired\n {2}have it renewed.*\n$/],
    [await makeOwn("server", inDays(1)), /its certificate is not valid yet\n {2}have it renewed.*\n$/],
    [
      await makeOwn("authority", inDays(-1)),
      /its certificate is that of an authority, .*\n {2}make one .* CA:FALSE\n$/,
    ],
    [await authority.issue({ names: ["lab.test"] }), /its certificate is for another name\n {2}use a name .*\n$/],
  ] as const;
  for (const [certificate, told] of cases) {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate },
      () => new Response("never"),
    );
    await using _server = { [Symbol.asyncDispose]: () => server.shutdown() };
    for (const name of ["image.bin", "image.bin.gz"]) {
      const url = `https://127.0.0.1:${server.addr.port}/${name}`;
      await using program = startJmp(place, ["j", "flasher", "flash", url], { env: { ...exporter.env, ...trusting } });
      const { code, stdout, stderr } = await program.ended();
      assert.deepEqual([code, stdout], [1, ""]);
      assert.ok(stderr.startsWith(`j: cannot reach ${url}: `), stderr);
      assert.match(stderr, told);
    }
  }
  assert.match(exporter.program.stderr, /flash .*failed: cannot reach .*: its certificate is not trusted \(start what/);
});
