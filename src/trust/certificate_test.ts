import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { makeAuthority, makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { makeCertificate, makeKeys } from "./certificate.ts";

Deno.test("a certificate is for the names and the addresses that it was made for, and no others", async () => {
  const names = ["bench.lab", "192.0.2.7", "2001:db8::7", "::1", "::ffff:192.0.2.9", "fe80::1:2"];
  const certificate = new X509Certificate((await makeSelfSigned({ names })).cert);
  for (const name of names.slice(1)) assert.ok(certificate.checkIP(name), name);
  assert.ok(certificate.checkHost("bench.lab"));
  assert.equal(certificate.checkIP("192.0.2.8"), undefined);
  assert.equal(certificate.checkIP("2001:db8::8"), undefined);
  assert.equal(certificate.checkHost("other.lab"), undefined);
});

Deno.test("it holds for the time that it says, also beyond 2049", async () => {
  const own = { name: "x", keys: await makeKeys() };
  const notBefore = new Date("2049-12-31T23:59:59Z"), notAfter = new Date("2061-02-03T04:05:06Z");
  const certificate = new X509Certificate(await makeCertificate(own, own, { use: "server", notBefore, notAfter }));
  assert.equal(new Date(certificate.validFrom).getTime(), notBefore.getTime());
  assert.equal(new Date(certificate.validTo).getTime(), notAfter.getTime());
});

Deno.test("an authority's signature holds, and nobody else's", async () => {
  const authority = await makeAuthority(), stranger = await makeAuthority();
  const { publicKey } = new X509Certificate(authority.cert);
  assert.ok(new X509Certificate((await authority.issue()).cert).verify(publicKey));
  assert.ok(new X509Certificate((await authority.issueClient("alice")).cert).verify(publicKey));
  assert.equal(new X509Certificate((await stranger.issue()).cert).verify(publicKey), false);
});
