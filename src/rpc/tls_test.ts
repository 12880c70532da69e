import assert from "node:assert/strict";
import { makeAuthority, makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { until } from "../../tests/fixtures/until.ts";
import { fingerprintsOf } from "../fingerprint.ts";
import { getStatus, openBench, rejectsWith, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import { secureConnection, type ServerCertificate, tlsOptions, type TlsTrust } from "./tls.ts";

const handlers = { exporter: { getStatus: () => ({ status: 4 }) } };
const yesterday = new Date(Date.now() - 86_400_000);
const tomorrow = new Date(Date.now() + 86_400_000);
/** Whose time has not begun. */
const early = { notBefore: tomorrow, notAfter: new Date(Date.now() + 2 * 86_400_000) };

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

Deno.test("so is one whose time has not begun, or is over, whoever vouches for it; and it can be pinned", async () => {
  const authority = await makeAuthority();
  const cases: [ServerCertificate, RegExp][] = [
    [await authority.issue(early), /the exporter's certificate is not valid before \w+ +\d.* GMT$/],
    [await authority.issue({ notAfter: yesterday }), /the exporter's certificate has expired \(.* GMT\)$/],
  ];
  for (const [certificate, reason] of cases) {
    const { certificate: fingerprint } = fingerprintsOf(certificate.cert);
    const error = await rejectsWith(callWith(certificate, { ca: authority.cert }), "connect");
    assert.match(error.message, reason);
    assert.match(error.hint ?? "", new RegExp(`clock.*tlsFingerprint: "${fingerprint}"`));
    await callWith(certificate, { fingerprint });
  }
});

Deno.test("whoever serves a certificate whose time has not begun is warned, and serves it", async () => {
  const certificate = await makeSelfSigned(early);
  await using bench = await openBench(handlers, { certificate }, { tls: fingerprintOf(certificate) });
  const warnings = bench.records.filter(({ severity }) => severity === "WARNING").map(({ message }) => message);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^The certificate is not valid before .* GMT: .* this machine's clock/);
  await within(bench.channel.unary(getStatus, {}), "the call");
});

function fingerprintOf({ cert }: ServerCertificate): TlsTrust {
  return { fingerprint: fingerprintsOf(cert).certificate };
}

/** A call to a server of `certificate` that trusts as `tls` has it. */
async function callWith(certificate: ServerCertificate, tls: TlsTrust): Promise<void> {
  await using bench = await openBench(handlers, { certificate }, { tls });
  assert.equal((await within(bench.channel.unary(getStatus, {}), "the call")).status, 4);
}

Deno.test("a certificate that is named by its fingerprint, or by its key's, needs no authority and no name", async () => {
  const certificate = await makeSelfSigned({ names: ["elsewhere.lab"] });
  const { certificate: whole, key } = fingerprintsOf(certificate.cert);
  await callWith(certificate, { fingerprint: whole });
  await callWith(certificate, { fingerprint: key });
  await callWith(certificate, { fingerprint: key, ca: certificate.cert });
});

Deno.test("so does one that an authority has issued whom nobody here knows", async () => {
  const issued = await (await makeAuthority()).issue({ names: ["elsewhere.lab"] });
  await callWith(issued, { fingerprint: fingerprintsOf(issued.cert).certificate });
});

Deno.test("a certificate with another fingerprint is refused, and both are told", async () => {
  const certificate = await makeSelfSigned(), other = await makeSelfSigned();
  const { certificate: shown } = fingerprintsOf(certificate.cert);
  const { certificate: fingerprint } = fingerprintsOf(other.cert);
  for (const ca of [undefined, certificate.cert]) {
    const error = await rejectsWith(callWith(certificate, { fingerprint, ca }), "connect");
    assert.match(error.message, new RegExp(`has the fingerprint ${shown}, not ${fingerprint}`));
    assert.ok(error.hint);
  }
  const right = { fingerprint: shown, ca: other.cert };
  assert.match((await rejectsWith(callWith(certificate, right), "connect")).message, /not trusted/);
});

Deno.test("a connection that goes wrong twice, as one does whose certificate both ends refuse, is one failure", async () => {
  await using bench = await openBench(handlers, { certificate: await makeSelfSigned() });
  const { address } = bench.server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  const { secure, ready } = secureConnection(address, "127.0.0.1", { fingerprint: "any" });
  const closed = new Promise<void>((resolve) => secure.once("close", () => resolve()));
  secure.once("secureConnect", () => secure.emit("error", new Error("bad certificate"))); // the word of the other end
  await assert.rejects(within(ready, "the failure"), /another fingerprint/);
  await within(closed, "the end of the connection");
});

Deno.test("who a client is, is told to the calls, and nobody else is let in", async () => {
  const server = await makeSelfSigned();
  const authority = await makeAuthority(), stranger = await makeAuthority();
  const seen: (string | undefined)[] = [];
  await using bench = await openBench(
    {
      exporter: {
        getStatus(_request, { identity }) {
          seen.push(identity);
          return { status: 4 };
        },
      },
    },
    { certificate: { ...server, clientCa: authority.cert }, passphrase: "and a passphrase" },
    {
      tls: { ca: server.cert, clientCertificate: await authority.issueClient("alice") },
    },
  );
  await within(bench.channel.unary(getStatus, {}), "alice");
  assert.deepEqual(seen, ["alice"]);
  assert.ok(bench.records.some(({ message }) => /^Connection from 127\.0\.0\.1:\d+ by "alice"$/.test(message)));

  const refused: [TlsTrust["clientCertificate"], RegExp, RegExp][] = [
    [undefined, /wants a certificate of its clients|ended the TLS handshake/, /tlsClientCertificate/],
    [await stranger.issueClient("mallory"), /does not accept the client's certificate/, /--tls-client-ca/],
    [
      await authority.issueClient("bob", { notAfter: yesterday }),
      /does not accept the client's certificate, which has expired \(/,
      /renew/,
    ],
    [
      await authority.issueClient("eve", early),
      /does not accept the client's certificate, which is not valid before .* GMT$/,
      /clock/,
    ],
    [await authority.issue(), /does not accept the client's certificate/, /./], // a server's is none of a client
  ];
  for (const [clientCertificate, says, hint] of refused) {
    const { address } = bench.server;
    using channel = new Channel({ address, passphrase: "x", tls: { ca: server.cert, clientCertificate } });
    const error = await rejectsWith(within(channel.unary(getStatus, {}), String(says)), "connect");
    assert.match(error.message, says);
    assert.match(error.hint ?? "", hint);
  }
  assert.deepEqual(seen, ["alice"]);
  const says = /^TLS handshake with 127\.0\.0\.1:\d+ failed: its certificate is not accepted \([A-Z_]+\)$/;
  assert.ok(bench.records.some(({ message }) => says.test(message)));
  await within(bench.channel.unary(getStatus, {}), "alice again");
});

Deno.test("a new certificate is for new connections, the old ones go on, and one that is of no use changes nothing", async () => {
  const first = await makeSelfSigned(), second = await makeSelfSigned();
  let next = (): ServerCertificate | undefined => undefined;
  const renewedCertificate = () => Promise.try(() => next());
  await using bench = await openBench(
    handlers,
    { certificate: first, renewedCertificate, renewalCheckMs: 20 },
    { tls: { ca: first.cert } },
  );
  await bench.channel.unary(getStatus, {});
  const connects = async (ca: string) => {
    using channel = new Channel({ address: bench.server.address, tls: { ca } });
    return await channel.unary(getStatus, {}).then(() => true, () => false);
  };
  next = () => {
    next = () => undefined;
    throw new Error("they do not belong together");
  };
  await until("the fault to be told", () => bench.records.some(({ severity }) => severity === "WARNING"));
  assert.equal(await connects(first.cert), true);
  next = () => second;
  await until("the change", () => bench.records.some(({ message }) => message.includes("new certificate")));
  assert.deepEqual([await connects(first.cert), await connects(second.cert)], [false, true]);
  await bench.channel.unary(getStatus, {});
  const faults = bench.records.filter(({ message }) => message.startsWith("The certificate that was served"));
  assert.equal(faults.length, 1);
});
