import assert from "node:assert/strict";
import { JumpstarterError } from "../errors.ts";
import { makeAuthority, makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { getStatus, openBench, rejectsWith, within } from "./bench_test.ts";
import { assertCertificate, tlsOptions } from "./tls.ts";

const handlers = { exporter: { getStatus: () => ({ status: 4 }) } };
const yesterday = new Date(Date.now() - 86_400_000);

Deno.test("a certificate is refused before it is served when it cannot work, with the reason", async () => {
  const good = await makeSelfSigned(), other = await makeSelfSigned();
  assertCertificate(good);
  const cases: [{ cert: string; key: string }, RegExp][] = [
    [{ ...good, key: other.key }, /do not belong together/],
    [{ ...good, cert: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" }, /certificate cannot be read/],
    [{ ...good, key: "no key" }, /private key cannot be read/],
    [{ cert: good.key, key: good.cert }, /certificate cannot be read/],
    [await makeSelfSigned({ notAfter: yesterday }), /has expired/],
  ];
  for (const [certificate, reason] of cases) {
    assert.throws(() => assertCertificate(certificate), (error) => {
      assert.ok(error instanceof JumpstarterError && error.code === "config");
      assert.match(error.message, reason);
      assert.ok(error.hint);
      assert.doesNotMatch(error.message + error.hint, /PRIVATE KEY/);
      return true;
    });
  }
});

Deno.test("a name is sent to the server, and an address is checked against the certificate instead", () => {
  assert.equal(tlsOptions("bench.lab", {}).servername, "bench.lab");
  assert.equal(tlsOptions("bench.lab", {}).checkServerIdentity, undefined);
  assert.equal("ca" in tlsOptions("bench.lab", {}), false, "the system's authorities hold");
  assert.equal(tlsOptions("bench.lab", { ca: "pem" }).ca, "pem");
  for (const host of ["192.0.2.7", "2001:db8::1"]) {
    const { servername, checkServerIdentity, ALPNProtocols } = tlsOptions(host, {});
    assert.doesNotMatch(String(servername), /^[\d.:]+$/, "an address cannot be a server name indication");
    assert.deepEqual(ALPNProtocols, ["h2"]);
    const names = (subjectaltname: string) => ({ subject: {}, subjectaltname }) as never;
    assert.equal(checkServerIdentity?.("ignored", names(`IP Address:${host}`)), undefined);
    assert.ok(checkServerIdentity?.("ignored", names("IP Address:192.0.2.8")) instanceof Error);
    assert.ok(checkServerIdentity?.("ignored", names(`DNS:${host}`)) instanceof Error);
  }
});

Deno.test("TLS holds by name and by address when the certificate is for them", async () => {
  const authority = await makeAuthority();
  const certificate = await authority.issue({ names: ["localhost", "127.0.0.1"] });
  for (const host of ["localhost", "127.0.0.1"]) {
    await using bench = await openBench(handlers, {
      certificate,
      address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    });
    if (bench.server.address.kind !== "tcp") throw new Error("not TCP");
    await using reached = await openBench(handlers, {}, {
      address: { kind: "tcp", host, port: bench.server.address.port },
      tls: { ca: authority.cert },
    });
    const { status } = await within(reached.channel.unary(getStatus, {}), host);
    assert.equal(status, 4);
  }
});

Deno.test("a certificate that does not hold is named in the error", async () => {
  const authority = await makeAuthority(), stranger = await makeAuthority();
  const cases: [Awaited<ReturnType<typeof makeSelfSigned>>, string, RegExp][] = [
    [await authority.issue(), stranger.cert, /not trusted/],
    [await authority.issue({ names: ["bench.lab"] }), authority.cert, /not for "127\.0\.0\.1"/],
    [await makeSelfSigned(), authority.cert, /not trusted/],
  ];
  for (const [certificate, ca, reason] of cases) {
    await using bench = await openBench(handlers, { certificate }, { tls: { ca } });
    const error = await rejectsWith(within(bench.channel.unary(getStatus, {}), String(reason)), "connect");
    assert.match(error.message, reason);
    assert.ok(error.hint);
  }
});
