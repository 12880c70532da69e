/** Exporters that cannot be reached, or not like that: what, where, and what to try, in one or two lines. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { makeAuthority, makeSelfSigned } from "../fixtures/certificate.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { freePort, serveHttp, serveHttp1, serveSilence } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

/** Words that connect, and run a command that must not be reached. */
function shellAt(address: string, ...options: readonly string[]): string[] {
  return ["shell", "--tls-grpc", address, ...options, "--", "echo", "reached"];
}

const insecure = "--tls-grpc-insecure";

Deno.test("where no exporter is", async (t) => {
  await using place = await Place.open();
  const port = freePort();
  await t.step("connection refused", async () => {
    const says = new RegExp(`Cannot connect to 127\\.0\\.0\\.1:${port}: connection refused`);
    for (const options of [[insecure], []]) {
      const ended = await runJmp(place, shellAt(`127.0.0.1:${port}`, ...options));
      assertBriefError(ended, { code: 4, says, hint: /is the exporter running/ });
    }
  });
  await t.step("the same for j", async () => {
    const env = { JUMPSTARTER_HOST: `127.0.0.1:${port}`, JMP_GRPC_INSECURE: "1" };
    const ended = await runJmp(place, ["j", "power", "on"], { env });
    assertBriefError(ended, { program: "j", code: 4, says: /connection refused/, hint: /is the exporter running/ });
  });
  await t.step("the name does not resolve", async () => {
    const ended = await runJmp(place, shellAt("no-such-host.invalid:19090", insecure));
    const says = /Cannot connect to no-such-host\.invalid:19090: the name does not resolve/;
    assertBriefError(ended, { code: 4, says, hint: /host/ });
  });
  await t.step("no such socket", async () => {
    const ended = await runJmp(place, shellAt(place.path("none.sock")));
    assertBriefError(ended, { code: 4, says: /none\.sock: no such socket/, hint: /is the exporter running/ });
  });
  for (
    const [name, serve] of [
      ["a web server", () => serveHttp(200)],
      ["a web server that has no such page", () => serveHttp(404)],
      ["a gateway that says no more than 404", () => serveHttp(404, null)],
      ["a web server of HTTP/1.1", serveHttp1],
    ] as const
  ) {
    await t.step(name, async () => {
      await using server = serve();
      const address = `127.0.0.1:${server.port}`;
      const says = new RegExp(`Cannot connect to ${RegExp.escape(address)}: what listens there is no exporter`);
      const ended = await runJmp(place, shellAt(address, insecure));
      assertBriefError(ended, { code: 4, says, hint: /check the port/ });
    });
  }
  await t.step("a web server, by TLS", async () => {
    await using server = serveHttp1();
    const ended = await runJmp(place, shellAt(`127.0.0.1:${server.port}`));
    assertBriefError(ended, { code: 4, says: /speaks neither TLS nor gRPC/, hint: /check the port/ });
  });
  await t.step("what never answers", async () => {
    await using server = serveSilence();
    const address = `127.0.0.1:${server.port}`;
    for (const limit of ["--ready-timeout", "--connect-timeout"]) {
      const ended = await runJmp(place, shellAt(address, insecure, limit, "0.5"));
      const says = new RegExp(`Cannot connect to ${RegExp.escape(address)}: no answer within 0\\.5 s`);
      assertBriefError(ended, { code: 4, says, hint: /check the port/ });
    }
  });
  await t.step("what never answers is told of while it is waited for", async () => {
    await using server = serveSilence();
    const address = `127.0.0.1:${server.port}`;
    for (const words of [shellAt(address), ["inspect", "--tls-grpc", address], ["status", "--tls-grpc", address]]) {
      await using program = startJmp(place, words);
      await program.seeErr(`Waiting for the exporter at ${address} to answer (up to 10 s)\n`);
      assert.equal((await program.stop()).code, 143);
    }
  });
});

Deno.test("where an exporter is that wants something else", async (t) => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue({ names: ["localhost"] });
  const files = { cert: await place.write("a.crt", cert), key: await place.write("a.key", key) };
  const ca = ["--tls-ca", await place.write("ca.pem", authority.cert)];
  const security = ["--tls-cert", files.cert, "--tls-key", files.key];
  await using plain = await startExporter(place, { args: ["--passphrase", "my-secret"] });
  await using tls = await startExporter(place, { security });

  await t.step("TLS against plaintext", async () => {
    const ended = await runJmp(place, shellAt(plain.address));
    const says = new RegExp(
      `Cannot connect to ${RegExp.escape(plain.address)}: the exporter speaks plaintext, and TLS`,
    );
    assertBriefError(ended, { code: 4, says, hint: /add --tls-grpc-insecure/ });
  });
  await t.step("plaintext against TLS", async () => {
    const ended = await runJmp(place, shellAt(tls.address, insecure));
    const says = new RegExp(`Cannot connect to ${RegExp.escape(tls.address)}: the exporter speaks TLS, and plaintext`);
    assertBriefError(ended, { code: 4, says, hint: /leave out --tls-grpc-insecure/ });
  });
  await t.step("the same for j, which takes no options for that", async () => {
    const j = async (address: string, env: Record<string, string>, says: RegExp, hint: RegExp) => {
      const ended = await runJmp(place, ["j", "power", "on"], { env: { JUMPSTARTER_HOST: address, ...env } });
      assertBriefError(ended, { program: "j", code: 4, says, hint });
      assert.doesNotMatch(ended.stderr, /--/);
    };
    await j(plain.address, {}, /the exporter speaks plaintext, and TLS/, /set JMP_GRPC_INSECURE=1/);
    await j(tls.address, { JMP_GRPC_INSECURE: "1" }, /the exporter speaks TLS, and/, /unset JMP_GRPC_INSECURE\b/);
    const hint = /JMP_GRPC_TLS_CA=FILE.*JMP_GRPC_TLS_FINGERPRINT=sha256:[0-9a-f]{64}$/;
    await j(tls.address, {}, /certificate is not trusted/, hint);
  });
  await t.step("the exporter's log says it in plain words, and nothing of a search for the reason", async () => {
    await tls.program.seeErr("does not trust");
    const { stderr } = tls.program;
    const all = [...stderr.matchAll(/ TLS handshake with \S+ failed: (.*)$/gm)].map(([, reason]) => reason);
    // A slow client tries more than once before it gives up.
    const reasons = all.filter((reason, index) => reason !== all[index - 1]);
    assert.deepEqual(reasons, ["it does not speak TLS", "it does not trust the certificate (UnknownCA)"]);
  });
  await t.step("the wrong passphrase", async () => {
    const ended = await runJmp(place, shellAt(plain.address, insecure, "--passphrase", "our-secret"));
    assertBriefError(ended, { code: 5, says: /passphrase/, hint: /--passphrase/ });
    assert.doesNotMatch(ended.stderr, /our-secret/);
    await plain.program.seeErr(/WARNING authentication failed: invalid or missing passphrase/);
    assert.doesNotMatch(plain.program.stderr, /our-secret|my-secret/);
  });
  await t.step("no passphrase", async () => {
    const ended = await runJmp(place, shellAt(plain.address, insecure));
    assertBriefError(ended, { code: 5, says: /passphrase/, hint: /--passphrase/ });
  });
  await t.step("no passphrase, for j", async () => {
    const ended = await runJmp(place, ["j", "power", "on"], { env: plain.env });
    assertBriefError(ended, { program: "j", code: 5, says: /passphrase/, hint: /JMP_GRPC_PASSPHRASE/ });
    assert.doesNotMatch(ended.stderr, /--/);
  });
  await t.step("an authority that is not trusted", async () => {
    const says = new RegExp(`Cannot connect to localhost:${tls.port}: the exporter's certificate is not trusted`);
    const ended = await runJmp(place, shellAt(`localhost:${tls.port}`));
    assertBriefError(ended, { code: 4, says, hint: /--tls-ca FILE/ });
    const other = await place.write("other.pem", (await makeSelfSigned()).cert);
    assertBriefError(await runJmp(place, shellAt(`localhost:${tls.port}`, "--tls-ca", other)), {
      code: 4,
      says,
      hint: /--tls-ca FILE/,
    });
  });
  await t.step("a certificate for another name", async () => {
    const ended = await runJmp(place, shellAt(tls.address, ...ca));
    assertBriefError(ended, { code: 4, says: /certificate is not for "127\.0\.0\.1"/, hint: /name/ });
  });
  await t.step("with -v there is more", async () => {
    const brief = await runJmp(place, shellAt(plain.address));
    for (const verbose of [["-v"], ["--log-level", "DEBUG"]]) {
      const { code, stderr } = await runJmp(place, shellAt(plain.address, ...verbose));
      assert.equal(code, 4);
      assert.ok(stderr.startsWith(brief.stderr), stderr);
      assert.match(stderr, /\n {4}at /);
    }
  });
  await t.step("both serve on", async () => {
    const on = ["--", "j", "power", "on"];
    const words = ["shell", "--tls-grpc", `localhost:${tls.port}`, ...ca, ...on];
    assert.equal((await runJmp(place, words)).code, 0);
    assert.equal((await runJmp(place, [...plain.shell, "--passphrase", "my-secret", ...on])).code, 0);
  });
});
