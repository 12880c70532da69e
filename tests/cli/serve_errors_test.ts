/** What keeps `jmp run` from serving: told in one or two lines, with nothing left behind. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { makeAuthority, makeRsaKeys, makeSelfSigned } from "../fixtures/certificate.ts";
import { exampleConfig, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

/** Root may read every file; this is root as the files of other users see anybody else. */
const plainRoot = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
const isRoot = Deno.uid() === 0;
const whyAllReadable = isRoot ? await missingPlainRoot() : undefined;

async function missingPlainRoot(): Promise<string | undefined> {
  const [program = "", ...args] = [...plainRoot, "true"];
  const isThere = await new Deno.Command(program, { args }).output().then(({ success }) => success, () => false);
  return isThere ? undefined : "root may read everything, and setpriv cannot take that away";
}

const listener = ["--tls-grpc-listener", "127.0.0.1:0"];

Deno.test("a certificate that is of no use", async (t) => {
  await using place = await Place.open();
  const { cert, key } = await makeSelfSigned();
  const other = await makeSelfSigned();
  const expired = await (await makeAuthority()).issue({ notAfter: new Date(Date.now() - 60_000) });
  const weak = await (await makeAuthority()).issue({ keys: await makeRsaKeys(1024) });
  const file = {
    cert: await place.write("good.crt", cert),
    key: await place.write("good.key", key),
    otherKey: await place.write("other.key", other.key),
    text: await place.write("text.crt", "not a certificate\n"),
    damaged: await place.write("damaged.crt", cert.replace(/\n[^\n-]+\n/, "\nAAAA\n")),
    expired: await place.write("expired.crt", expired.cert),
    expiredKey: await place.write("expired.key", expired.key),
    weak: await place.write("weak.crt", weak.cert),
    weakKey: await place.write("weak.key", weak.key),
    none: place.path("none.crt"),
  };
  const trace = place.path("started");
  await place.write(
    "traced.ts",
    `export const traced = { type: "acme.Traced", client: "x", summary: "", methods: {},
      start: () => Deno.writeTextFile(${JSON.stringify(trace)}, "") };\n`,
  );
  const config = await writeConfig(place, { export: { relay: { type: "./traced.ts#traced" } } });
  const serve = (at: readonly string[], security: readonly string[]) =>
    runJmp(place, ["run", "--exporter-config", config, ...at, ...security]);
  const cases: readonly (readonly [string, string, string, RegExp, RegExp])[] = [
    ["missing", file.none, file.key, /Cannot read --tls-cert \S+none\.crt: there is no such file/, /path/],
    ["a folder", place.dir, file.key, /Cannot read --tls-cert \S+: .*directory/i, /./],
    ["no PEM", file.text, file.key, /--tls-cert \S+text\.crt holds no certificate/, /-----BEGIN/],
    ["damaged", file.damaged, file.key, /--tls-cert \S+damaged\.crt holds a certificate that cannot be read/, /./],
    ["the key missing", file.cert, file.none, /Cannot read --tls-key \S+none\.crt: there is no such file/, /path/],
    ["the key is a certificate", file.cert, file.cert, /--tls-key \S+good\.crt holds a certificate/, /--tls-cert/],
    ["swapped", file.key, file.cert, /--tls-cert \S+good\.key holds a private key/, /give it with --tls-key/],
    ["a key that is too small", file.weak, file.weakKey, /--tls-key \S+weak\.key .*RSA of 1024 bits/, /2048/],
    ["of another key", file.cert, file.otherKey, /do not belong together/, /--tls-cert and --tls-key/],
    ["expired", file.expired, file.expiredKey, /--tls-cert \S+expired\.crt has expired \(/, /renew/],
  ];
  for (const [name, certFile, keyFile, says, hint] of cases) {
    await t.step(name, async () => {
      const security = ["--tls-cert", certFile, "--tls-key", keyFile];
      assertBriefError(await serve(listener, security), { code: 3, says, hint });
    });
  }
  await t.step("of another key, for every address", async () => {
    const security = ["--tls-cert", file.cert, "--tls-key", file.otherKey];
    const ended = await serve(["--tls-grpc-listener", "0"], security);
    assertBriefError(ended, { code: 3, says: /do not belong together/, hint: /--tls-cert and --tls-key/ });
  });
  await t.step({
    name: `unreadable${whyAllReadable === undefined ? "" : ` (not run: ${whyAllReadable})`}`,
    ignore: whyAllReadable !== undefined,
    async fn() {
      await Deno.chmod(file.key, 0o000);
      for (const option of ["--tls-key", "--passphrase-file"]) {
        const security = option === "--tls-key" ? ["--tls-cert", file.cert, option, file.key] : [option, file.key];
        const words = ["run", "--exporter-config", config, ...listener, ...security];
        const ended = await runJmp(place, words, { within: isRoot ? plainRoot : [] });
        const says = new RegExp(`Cannot read ${option} \\S+: permission denied`);
        assertBriefError(ended, { code: 3, says, hint: /permissions of the file/ });
      }
    },
  });
  await t.step("no driver was started for any of them", async () => {
    await assert.rejects(Deno.stat(trace), Deno.errors.NotFound);
  });
  const shell = ["shell", "--tls-grpc", "localhost"];
  await t.step("an authority that is missing, or none", async () => {
    const ofServer = ["run", "--exporter-config", config, ...listener, "--tls-client-ca"];
    for (
      const [ca, says] of [
        [file.none, /there is no such file/],
        [file.text, /text\.crt holds no certificate/],
        [file.key, /good\.key holds a private key, and no certificate/],
      ] as const
    ) {
      for (const words of [[...shell, "--tls-ca", ca, "--", "true"], [...ofServer, ca]]) {
        assertBriefError(await runJmp(place, words), { code: 3, says, hint: /./ });
      }
    }
  });
  await t.step("a client's key that is too small", async () => {
    const pair = ["--tls-client-cert", file.weak, "--tls-client-key", file.weakKey];
    const says = /--tls-client-key \S+weak\.key .*RSA of 1024 bits/;
    assertBriefError(await runJmp(place, [...shell, ...pair, "--", "true"]), { code: 3, says, hint: /2048/ });
  });
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("no place for temporary files", async () => {
  await using place = await Place.open();
  const env = { TMPDIR: place.path("none") };
  const served = ["--exporter-config", exampleConfig];
  for (
    const words of [
      ["run", ...served, ...listener, "--tls-grpc-insecure"],
      ["run", ...served, ...listener, "--tls-grpc-insecure", "--least-privilege"],
      ["shell", ...served, "--", "true"],
    ]
  ) {
    const ended = await runJmp(place, words, { env });
    const says = /Cannot make temporary files in \S+: there is no such directory/;
    assertBriefError(ended, { code: 3, says, hint: /TMPDIR/ });
  }
});

Deno.test("an address that cannot be listened on", async (t) => {
  await using place = await Place.open();
  await using running = await startExporter(place);
  const serveAt = (address: string) =>
    runJmp(place, ["run", "--exporter-config", exampleConfig, "--tls-grpc-listener", address, "--tls-grpc-insecure"]);
  const before = await place.leftFiles();
  await t.step("in use", async () => {
    for (
      const [listener, where] of [[running.address, running.address], [`${running.port}`, `*:${running.port}`]] as const
    ) {
      const says = new RegExp(`Cannot listen on ${RegExp.escape(where)}: the address is in use`);
      assertBriefError(await serveAt(listener), { code: 10, says, hint: /another port/ });
    }
  });
  await t.step("of another machine", async () => {
    const says = /this machine has no such address/;
    assertBriefError(await serveAt("192.0.2.1:0"), { code: 10, says, hint: /127\.0\.0\.1/ });
  });
  await t.step("a name that does not resolve", async () => {
    const ended = await serveAt("no-such-host.invalid:0");
    assertBriefError(ended, { code: 10, says: /the name does not resolve/, hint: /only a port for every address/ });
  });
  assert.deepEqual((await place.leftFiles()).toSorted(), before.toSorted(), "what did not begin leaves nothing");
});

Deno.test("a config that cannot be had", async (t) => {
  await using place = await Place.open();
  const plain = [...listener, "--tls-grpc-insecure"];
  await t.step("no such file", async () => {
    const ended = await runJmp(place, ["run", "--exporter-config", "none.yaml", ...plain], { cwd: place.dir });
    assertBriefError(ended, { code: 3, says: /none\.yaml: no such file/ });
  });
  await t.step("no such alias", async () => {
    const ended = await runJmp(place, ["run", "--exporter", "my-bench", ...plain]);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, /^jmp: [^\n]*"?my-bench"?[^\n]*\n( {2}[^\n]+\n)?$/);
  });
  await t.step("a folder", async () => {
    const ended = await runJmp(place, ["run", "--exporter-config", place.dir, ...plain]);
    assertBriefError(ended, { code: 3, says: /this is a directory/ });
  });
  await t.step("a driver that cannot start", async () => {
    await place.write(
      "stuck.ts",
      `export const stuck = { type: "acme.Stuck", client: "x", summary: "", methods: {},
        start() { throw new Error("no board at /dev/ttyUSB7"); } };\n`,
    );
    const config = await writeConfig(place, {
      export: { bench: { children: { relay: { type: "./stuck.ts#stuck", required: true } } } },
    });
    const ended = await runJmp(place, ["run", "--exporter-config", config, ...plain]);
    const says = /Cannot start the driver "bench\.relay" \(acme\.Stuck\): no board at \/dev\/ttyUSB7/;
    assertBriefError(ended, { code: 1, says });
  });
  assert.deepEqual(await place.leftFiles(), []);
});
