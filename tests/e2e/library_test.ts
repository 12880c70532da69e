/** The library against a running exporter: what a test of a user's own board does. */
import assert from "node:assert/strict";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect, DriverClient, type ErrorCode, JumpstarterError } from "../../mod.ts";
import { makeAuthority, makeSelfSigned } from "../fixtures/certificate.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";

/** Looks for an error of this project, with its code and its words, whose hint knows no command line. */
function failsWith(code: ErrorCode, message: RegExp, hint = /(?:)/): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof JumpstarterError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
    assert.doesNotMatch(error.hint ?? "", /--|JMP_/);
    return true;
  };
}

const readings = [{ voltage: 0, current: 0 }, { voltage: 5, current: 2 }];

Deno.test("a test drives a device in plaintext", async () => {
  await using place = await Place.open();
  await using running = await startExporter(place, { config: { name: "lab", motd: "Be kind." } });
  await using exporter = await connect(running.address, { insecure: true });
  assert.equal(exporter.name, "lab");
  assert.equal(exporter.motd, "Be kind.");
  const power = exporter.driver("power", PowerClient);
  await power.on();
  await power.cycle({ waitMs: 1 });
  assert.deepEqual(await Array.fromAsync(power.read()), readings);
  const switched = (text: string) => text.match(/(?<=\[MockPower\] power )\w+/g);
  await running.program.seeErr(/(?:power \w+\n[^]*){3}/);
  assert.deepEqual(switched(running.program.stderr), ["on", "off", "on"]);
});

Deno.test("a driver that is not there, or is of another kind, is an error before any call", async () => {
  await using place = await Place.open();
  class OtherClient extends DriverClient {}
  const type = "jumpstarter_driver_power.driver.MockPower";
  const config = { export: { bench: { children: { power: { type }, second: { ref: "bench.power" } } } } };
  await using running = await startExporter(place, { config });
  await using exporter = await connect(running.address, { insecure: true });
  await exporter.driver("bench.second", PowerClient).on();
  await running.program.seeErr("power on");
  const kind = /The driver "bench\.power" is no OtherClient but a jumpstarter_driver_power\.client\.PowerClient/;
  assert.throws(() => exporter.driver("bench.power", OtherClient), failsWith("unimplemented", kind));
  assert.throws(() => exporter.driver("bench.powr"), (error) => {
    failsWith("not_found", /The exporter has no driver "bench\.powr"/)(error);
    assert.equal(error instanceof JumpstarterError && error.hint, 'did you mean "power"?');
    return true;
  });
  const client = exporter.driver("bench.power");
  await assert.rejects(client.call("explode"), failsWith("not_found", /no method "explode"/));
  await assert.rejects(client.call("toString"), failsWith("not_found", /no method "toString"/));
  await assert.rejects(client.call("read"), failsWith("not_found", /"read" .* is a streaming call, not a plain call/));
  await assert.rejects(client.call("on", [1]), failsWith("invalid_argument", /takes no arguments/));
});

Deno.test("a passphrase lets in who has it", async () => {
  await using place = await Place.open();
  await using running = await startExporter(place, { args: ["--passphrase", "my-secret"] });
  await using exporter = await connect(running.address, { insecure: true, passphrase: "my-secret" });
  await exporter.driver("power", PowerClient).on();
  for (const passphrase of [undefined, "my-secre", "my-secret2"]) {
    const refused = connect(running.address, { insecure: true, passphrase });
    await assert.rejects(refused, failsWith("unauthenticated", /passphrase/, /the option passphrase/));
  }
  assert.doesNotMatch(running.program.stderr, /my-secre/);
});

Deno.test("TLS holds with the authority that is given, and with no other", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  const security = ["--tls-cert", await place.write("a.crt", cert), "--tls-key", await place.write("a.key", key)];
  await using running = await startExporter(place, { security });
  await using exporter = await connect(`localhost:${running.port}`, { tlsCa: authority.cert });
  assert.deepEqual(await Array.fromAsync(exporter.driver("power", PowerClient).read()), readings);
  const { cert: tlsCa } = await makeSelfSigned();
  const untrusted = failsWith("connect", /certificate is not trusted/, /tlsCa.*tlsFingerprint: "sha256:[0-9a-f]{64}"/);
  await assert.rejects(connect(running.address, { tlsCa }), untrusted);
  await assert.rejects(connect(running.address), untrusted);
  const ofNoUse = failsWith("config", /^tlsCa holds a private key, and no certificate$/, /authority/);
  await assert.rejects(connect(running.address, { tlsCa: key }), ofNoUse);
  const swapped = connect(running.address, { tlsClientCertificate: { cert: key, key: cert } });
  const says = /^tlsClientCertificate\.cert holds a private key/;
  await assert.rejects(swapped, failsWith("config", says, /^give it with tlsClientCertificate\.key$/));
  const insecure = connect(running.address, { insecure: true });
  await assert.rejects(insecure, failsWith("connect", /the exporter speaks TLS/, /leave out insecure: true/));
  await using plain = await startExporter(place);
  await assert.rejects(
    connect(plain.address),
    failsWith("connect", /the exporter speaks plaintext/, /add insecure: true/),
  );
});

Deno.test("where nobody listens, and where nobody is ready", async () => {
  await assert.rejects(
    connect(`127.0.0.1:${freePort()}`, { insecure: true }),
    failsWith("connect", /connection refused/),
  );
  await using place = await Place.open();
  const hooks = { beforeLease: { script: "sleep 3131", timeout: 3600 } };
  await using running = await startExporter(place, { config: { hooks } });
  const tooLate = connect(running.address, { insecure: true, readyTimeoutMs: 100, connectTimeoutMs: 30_000 });
  await assert.rejects(tooLate, failsWith("timeout", /not ready within 0\.1 s/));
  const abort = new AbortController();
  const givenUp = connect(running.address, { insecure: true, signal: abort.signal, onStatus: () => abort.abort() });
  await assert.rejects(givenUp, failsWith("cancelled", /./));
});

Deno.test("an exporter that goes ends a stream with an error, not in silence", async () => {
  await using place = await Place.open();
  await using running = await startExporter(place);
  await using exporter = await connect(running.address, { insecure: true });
  await exporter.driver("power", PowerClient).on();
  const lines: string[] = [];
  const followed = async () => {
    for await (const { message } of exporter.logs()) {
      lines.push(message);
      running.program.signal("SIGKILL");
    }
  };
  await assert.rejects(followed, failsWith("connection_lost", /The connection to the exporter at \S+ was lost/));
  assert.deepEqual(lines, ["power on"]);
});
