/** TLS without homework: the exporter's own certificate, clients' certificates, and certificates that are replaced. */
import assert from "node:assert/strict";
import { connect, JumpstarterError } from "../../mod.ts";
import { fingerprintsOf } from "../../src/fingerprint.ts";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { makeAuthority } from "../fixtures/certificate.ts";
import { type ExporterStart, type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { hasIpv6 } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

const on = ["--", "j", "power", "on"];

async function serveOwn(place: Place, start: ExporterStart = {}): Promise<RunningExporter> {
  const exporter = await startExporter(place, { security: [], ...start });
  await exporter.ready();
  return exporter;
}

/** The words that the exporter says to connect with. */
function connectWords({ program }: RunningExporter): string[] {
  const [, words = ""] = /Connect with: jmp (.*)\n/.exec(program.stderr) ?? assert.fail(program.stderr);
  return words.split(" ");
}

Deno.test("with nothing said, TLS by a certificate that is made once; the line that is printed connects", async () => {
  await using place = await Place.open();
  const seen: string[][] = [];
  for (const args of [[], ["--least-privilege"]]) {
    await using exporter = await serveOwn(place, { args });
    assert.match(exporter.program.stderr, /Listening on 127\.0\.0\.1:\d+ \(TLS\)/);
    const words = connectWords(exporter);
    const { code, stderr } = await runJmp(place, [...words, ...on]);
    assert.equal(code, 0, stderr);
    seen.push(words.filter((word) => word.startsWith("sha256:")));
    // The certificate is for this machine's names, so it does as its own authority as well.
    const file = place.path("home", ".local", "state", "jumpstarter", "tls", "exporter.crt");
    for (const host of ["127.0.0.1", "localhost"]) {
      const ca = ["shell", "--tls-grpc", `${host}:${exporter.port}`, "--tls-ca", file];
      assert.equal((await runJmp(place, [...ca, ...on])).code, 0, host);
    }
    assert.equal((await exporter.program.stop()).code, 0);
  }
  assert.deepEqual(seen[0], seen[1]);
  const dir = place.path("home", ".local", "state", "jumpstarter");
  for (const [path, mode] of [["", 0o700], ["tls", 0o700], ["tls/exporter.key", 0o600], ["tls/exporter.crt", 0o600]]) {
    assert.equal(((await Deno.stat(`${dir}/${path}`)).mode ?? 0) & 0o777, mode, String(path));
  }
});

Deno.test("it is kept where --state-dir or XDG_STATE_HOME says, also for IPv6", { ignore: !hasIpv6() }, async () => {
  await using place = await Place.open();
  const there = place.path("there");
  await Deno.mkdir(there, { mode: 0o755 });
  await using named = await serveOwn(place, { args: ["--state-dir", there], listener: "[::1]:0" });
  assert.ok(named.program.stderr.includes(`${there}/tls/exporter.crt`), named.program.stderr);
  assert.equal(((await Deno.stat(there)).mode ?? 0) & 0o777, 0o755, "a directory of the user's stays as it is");
  assert.equal((await runJmp(place, [...connectWords(named), ...on])).code, 0);
  const ca = ["--tls-ca", `${there}/tls/exporter.crt`];
  assert.equal((await runJmp(place, ["shell", "--tls-grpc", `[::1]:${named.port}`, ...ca, ...on])).code, 0);
  await using byVariable = await serveOwn(place, { env: { XDG_STATE_HOME: place.path("state") } });
  assert.ok(byVariable.program.stderr.includes(place.path("state", "jumpstarter", "tls", "exporter.crt")));
});

Deno.test("without a place to keep it, it is told what to do", async () => {
  await using place = await Place.open();
  const words = ["run", "--exporter-config", await writeConfig(place), "--tls-grpc-listener", "127.0.0.1:0"];
  const env = { HOME: undefined, XDG_STATE_HOME: undefined };
  assertBriefError(await runJmp(place, words, { env }), { code: 3, says: /HOME is not set/, hint: /XDG_STATE_HOME/ });
  const file = await place.write("file", "");
  assertBriefError(await runJmp(place, [...words, "--state-dir", file]), {
    code: 3,
    says: /Cannot keep private files in .*file\/tls/,
    hint: /XDG_STATE_HOME|--state-dir/,
  });
});

Deno.test("--tls-client-ca lets those in whose certificates are of it, by their names, and tells others what to show", async (t) => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const alice = await authority.issueClient("alice");
  const files = [await place.write("alice.crt", alice.cert), await place.write("alice.key", alice.key)] as const;
  const ca = ["--tls-client-ca", await place.write("clients.pem", authority.cert)];
  await using exporter = await serveOwn(place, { args: ca, listener: "0.0.0.0:0" });
  assert.ok(connectWords(exporter).includes(`${Deno.hostname()}:${exporter.port}`), exporter.program.stderr);
  assert.doesNotMatch(exporter.program.stderr, /WARNING/);
  assert.ok(connectWords(exporter).includes("--tls-client-cert"));
  const address = `127.0.0.1:${exporter.port}`;
  const words = ["shell", "--tls-grpc", address, "--tls-fingerprint"];
  const fingerprint = connectWords(exporter).find((word) => word.startsWith("sha256:")) ?? "";
  // Deno often closes the connection before it has said why; then the hint says what may be wanted.
  const says =
    /Cannot connect to 127\.0\.0\.1:\d+: the exporter (?:wants a certificate of its clients|ended the TLS .*)$/;
  await t.step("jmp says with which options to show one", async () => {
    const ended = await runJmp(place, [...words, fingerprint, ...on]);
    assertBriefError(ended, {
      code: 4,
      says,
      hint: /^ {2}(?:see .*, )?give --tls-client-cert FILE and --tls-client-key FILE$/,
    });
  });
  await t.step("j with which variables", async () => {
    const env = { JUMPSTARTER_HOST: address, JMP_GRPC_TLS_FINGERPRINT: fingerprint };
    const hint = /^ {2}(?:see .*, )?give JMP_GRPC_TLS_CLIENT_CERT=FILE and JMP_GRPC_TLS_CLIENT_KEY=FILE$/;
    const ended = await runJmp(place, ["j", "power", "on"], { env });
    assertBriefError(ended, { program: "j", code: 4, says, hint });
  });
  await t.step("the library with which property", async () => {
    await assert.rejects(connect(address, { tlsFingerprint: fingerprint }), (error) => {
      assert.ok(error instanceof JumpstarterError && error.code === "connect", String(error));
      assert.match(error.message, says);
      assert.match(error.hint ?? "", /^(?:see .*, )?give tlsClientCertificate$/);
      return true;
    });
  });
  const shown = [...words, fingerprint, "--tls-client-cert", files[0], "--tls-client-key", files[1]];
  const { code, stderr } = await runJmp(place, [...shown, "--", "sh", "-c", "j power on && JMP_AGENT= j power off"]);
  assert.equal(code, 0, stderr);
  await exporter.program.seeErr(/Connection from 127\.0\.0\.1:\d+ by "alice"/);
});

Deno.test("a certificate that is replaced serves new connections, and drops no session", async () => {
  await using place = await Place.open();
  const first = await makeAuthority(), second = await makeAuthority();
  const old = await first.issue(), renewed = await second.issue();
  const cert = await place.write("s.crt", old.cert), key = await place.write("s.key", old.key);
  await using exporter = await startExporter(place, { security: ["--tls-cert", cert, "--tls-key", key] });
  await exporter.ready();
  const words = ["shell", "--tls-grpc", exporter.address, "--tls-fingerprint"];
  const before = fingerprintsOf(old.cert).certificate, after = fingerprintsOf(renewed.cert).certificate;
  const reads = ["--", "j", "power", "read", "-n", "100000", "-i", "0.05"];
  await using session = startJmp(place, [...words, before, ...reads]);
  await session.seeOut("5 V  2 A  10 W\n");

  // Half of a pair is no pair: the old one stays until the other half is there.
  await place.write("s.crt", renewed.cert);
  await exporter.program.seeErr(/WARNING .*The certificate that was served so far stays: .*do not belong together/);
  assert.equal((await runJmp(place, [...words, before, ...on])).code, 0);
  await place.write("s.key", renewed.key);
  await exporter.program.seeErr("New connections are served with the new certificate");
  assert.equal((await runJmp(place, [...words, after, ...on])).code, 0);
  assert.equal((await runJmp(place, [...words, before, ...on])).code, 4);

  const soFar = session.stdout.length;
  await until("the session goes on", () => session.stdout.length > soFar);
  session.signal("SIGTERM");
  await session.ended();
  assert.equal((await exporter.program.stop()).code, 0);
});

Deno.test("whoever lets others in is warned, with the remedy", async (t) => {
  await using place = await Place.open();
  const open = await place.write("open", "secret-1\n", 0o644), closed = await place.write("closed", "secret-1\n");
  const cases: [string, readonly string[], string, RegExp | undefined][] = [
    ["everyone", [], "0.0.0.0:0", /Anyone who can reach .*--passphrase-file or --tls-client-ca, or listen on 127/],
    ["everyone, in plaintext", ["--tls-grpc-insecure"], "0.0.0.0:0", /Anyone who can reach/],
    ["who listens", ["--tls-grpc-insecure", "--passphrase-file", closed], "0.0.0.0:0", /in plaintext; leave out/],
    ["who reads the file", ["--passphrase-file", open], "127.0.0.1:0", /Other users .*chmod 600/],
    ["nobody", ["--passphrase-file", closed], "0.0.0.0:0", undefined],
    ["nobody, on the loopback", ["--tls-grpc-insecure"], "127.0.0.1:0", undefined],
  ];
  for (const [name, security, listener, says] of cases) {
    await t.step(name, async () => {
      await using exporter = await startExporter(place, { security, listener });
      await exporter.ready();
      const warnings = exporter.program.stderr.split("\n").filter((line) => line.includes("WARNING"));
      assert.equal(warnings.length, says === undefined ? 0 : 1, warnings.join("\n"));
      if (says !== undefined) assert.match(warnings[0] ?? "", says);
    });
  }
});
