/** Certificates that nobody vouches for: by fingerprint, by the user's word, and never without. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { type Certificate, makeAuthority, makeSelfSigned } from "../fixtures/certificate.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { hasIpv6 } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";
import { missingTerminal, startJmpOnTerminal } from "../fixtures/typed_terminal.ts";
import { fingerprintsOf } from "../../src/fingerprint.ts";

const reason = await missingTerminal();
const onTerminal = { ignore: reason !== undefined };

async function serveTls(place: Place, { cert, key }: Certificate, listener = "127.0.0.1:0", args: string[] = []) {
  const security = ["--tls-cert", await place.write("s.crt", cert), "--tls-key", await place.write("s.key", key)];
  const exporter = await startExporter(place, { listener, security, args });
  await exporter.ready();
  return exporter;
}

const echo = ["--", "echo", "reached"];

Deno.test("a fingerprint is all that a client needs, and the j in its shell has it too", async () => {
  await using place = await Place.open();
  const certificate = await makeSelfSigned({ names: ["elsewhere.lab"] });
  await using exporter = await serveTls(place, certificate);
  const { certificate: whole, key } = fingerprintsOf(certificate.cert);
  for (const fingerprint of [whole, key, whole.slice(7).toUpperCase().replace(/..(?=.)/g, "$&:")]) {
    const { code, stdout, stderr } = await runJmp(place, [
      ...["shell", "--tls-grpc", exporter.address, "--tls-fingerprint", fingerprint],
      ...["--", "sh", "-c", "j power on && JMP_AGENT= j power on && echo both"],
    ]);
    assert.deepEqual([code, stdout], [0, "both\n"], stderr);
  }
  const other = fingerprintsOf((await makeSelfSigned()).cert).certificate;
  const words = ["shell", "--tls-grpc", exporter.address, "--tls-fingerprint"];
  assertBriefError(await runJmp(place, [...words, other, ...echo]), {
    code: 4,
    says: new RegExp(`has the fingerprint ${whole}, not ${other}`),
    hint: /in between/,
  });
  assertBriefError(await runJmp(place, [...words, "sha256:12", ...echo]), {
    code: 2,
    says: /"sha256:12" is no fingerprint/,
    hint: /64 hexadecimal/,
  });
});

Deno.test("where nobody can be asked, an exporter that is not known is refused with the remedy", async () => {
  await using place = await Place.open();
  const certificate = await makeSelfSigned();
  await using exporter = await serveTls(place, certificate);
  const ended = await runJmp(place, ["shell", "--tls-grpc", exporter.address, ...echo]);
  const { certificate: whole } = fingerprintsOf(certificate.cert);
  assertBriefError(ended, { code: 4, says: /is not trusted/, hint: new RegExp(`--tls-fingerprint ${whole}`) });
  assert.equal(ended.stdout, "");
  // To wait does not mend it.
  const waited = await runJmp(place, ["shell", "--tls-grpc", exporter.address, "--wait", ...echo]);
  assertBriefError(waited, { code: 4, says: /is not trusted/, hint: /--tls-ca FILE/ });
  const known = place.path("home", ".local", "state", "jumpstarter", "known_exporters");
  await assert.rejects(Deno.stat(known), Deno.errors.NotFound);
});

Deno.test(
  "on a terminal it is asked about, once; the key is known from then on, and no other",
  onTerminal,
  async () => {
    await using place = await Place.open();
    const first = await makeSelfSigned();
    const known = place.path("home", ".local", "state", "jumpstarter", "known_exporters");
    let port: number;
    {
      await using exporter = await serveTls(place, first);
      port = exporter.port;
      const words = ["shell", "--tls-grpc", exporter.address, ...echo];
      await using no = startJmpOnTerminal(place, words);
      await no.seeOut(fingerprintsOf(first.cert).certificate);
      await no.seeOut("[yes/no]");
      await no.type("maybe\n");
      await no.seeOut("Type yes or no");
      await no.type("no\n");
      assert.equal((await no.ended()).code, 4);
      assert.doesNotMatch(no.stdout, /reached/);
      await assert.rejects(Deno.stat(known), Deno.errors.NotFound);

      await using yes = startJmpOnTerminal(place, [
        ...words.slice(0, 3),
        "--",
        "sh",
        "-c",
        "j power on && echo reached",
      ]);
      await yes.seeOut("[yes/no]");
      await yes.type("yes\n");
      await yes.seeOut("reached");
      assert.equal((await yes.ended()).code, 0);
      assert.equal(await Deno.readTextFile(known), `${exporter.address} ${fingerprintsOf(first.cert).key}\n`);
      assert.equal(((await Deno.stat(known)).mode ?? 0) & 0o777, 0o600);
      for (const command of [words, ["inspect", "--tls-grpc", exporter.address]]) {
        const { code, stderr } = await runJmp(place, command);
        assert.deepEqual([code, stderr], [0, ""]);
      }
      await exporter.program.stop();
    }
    // Another exporter at the same address, even one with an authority's word, is refused, with and without a terminal.
    await using changed = await serveTls(place, await makeSelfSigned(), `127.0.0.1:${port}`);
    const words = ["shell", "--tls-grpc", changed.address, ...echo];
    assertBriefError(await runJmp(place, words), {
      code: 4,
      says: new RegExp(`REFUSED.*HAS CHANGED.*known_exporters:1 knows it by ${fingerprintsOf(first.cert).key}`),
      hint: /remove that line/,
    });
    await using asked = startJmpOnTerminal(place, words);
    assert.equal((await asked.ended()).code, 4);
    assert.match(asked.stdout, /REFUSED/);
    assert.doesNotMatch(asked.stdout, /yes\/no|reached/);
  },
);

Deno.test("an exporter is known by its IPv6 address, too", { ignore: !hasIpv6() || onTerminal.ignore }, async () => {
  await using place = await Place.open();
  await using exporter = await serveTls(place, await makeSelfSigned({ names: ["::1"] }), "[::1]:0");
  const file = place.path("known");
  const words = ["shell", "--tls-grpc", `[::1]:${exporter.port}`, "--known-exporters", file, ...echo];
  await using asked = startJmpOnTerminal(place, words);
  await asked.seeOut("[yes/no]");
  await asked.type("yes\n");
  assert.equal((await asked.ended()).code, 0);
  assert.match(await Deno.readTextFile(file), /^\[::1\]:\d+ sha256:/);
  assert.equal((await runJmp(place, words)).code, 0);
});

Deno.test("clients show a certificate where one is asked for, and so does the j of their shell", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const alice = await authority.issueClient("alice");
  const files = ["--tls-client-cert", await place.write("a.crt", alice.cert)];
  const key = ["--tls-client-key", await place.write("a.key", alice.key)];
  await using exporter = await serveTls(place, await authority.issue());
  const ca = await place.write("ca.pem", authority.cert);
  const words = ["shell", "--tls-grpc", exporter.address, "--tls-ca", ca];
  await using shell = await openShell(place, [...words, ...files, ...key]);
  const env = shell.env("either");
  assert.deepEqual([env.JMP_GRPC_TLS_CLIENT_CERT, env.JMP_GRPC_TLS_CLIENT_KEY, env.JMP_GRPC_TLS_CA], [
    files[1],
    key[1],
    ca,
  ]);
  assertBriefError(await runJmp(place, [...words, ...files, ...echo]), {
    code: 2,
    says: /--tls-client-cert was given without --tls-client-key/,
    hint: /give both/,
  });
  const other = await place.write("b.key", (await authority.issueClient("bob")).key);
  assertBriefError(await runJmp(place, [...words, ...files, "--tls-client-key", other, ...echo]), {
    code: 3,
    says: /do not belong together/,
    hint: /--tls-client-cert and --tls-client-key/,
  });
});

Deno.test("a j for another exporter than its shell's does not use the shell's agent", async () => {
  await using place = await Place.open();
  const certificate = await makeSelfSigned();
  await using exporter = await serveTls(place, certificate);
  const { certificate: whole, key } = fingerprintsOf(certificate.cert);
  await using shell = await openShell(place, ["shell", "--tls-grpc", exporter.address, "--tls-fingerprint", whole]);
  // This one cannot load a package, so it fails unless the agent works for it.
  assert.equal((await shell.runJ("its agent", ["power", "on"])).code, 0);
  const otherWise = { env: { JMP_GRPC_TLS_FINGERPRINT: key } };
  assert.notEqual((await shell.runJ("its agent", ["power", "on"], otherWise)).code, 0);
  assert.equal((await shell.runJ("either", ["power", "on"], otherWise)).code, 0);
});
