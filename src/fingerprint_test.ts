import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { makeSelfSigned } from "../tests/fixtures/certificate.ts";
import { makeCertificate, makeKeys } from "./trust/mod.ts";
import { JumpstarterError } from "./errors.ts";
import { fingerprintsOf, parseFingerprint } from "./fingerprint.ts";

Deno.test("a certificate's fingerprint is the one that every other program shows", async () => {
  const { cert } = await makeSelfSigned();
  const { raw, fingerprint256 } = new X509Certificate(cert);
  const { certificate, key } = fingerprintsOf(cert);
  assert.match(certificate, /^sha256:[0-9a-f]{64}$/);
  assert.match(key, /^sha256:[0-9a-f]{64}$/);
  assert.equal(certificate, parseFingerprint(fingerprint256));
  assert.deepEqual(fingerprintsOf(raw), { certificate, key });
});

Deno.test("a renewed certificate has another fingerprint, and its key the same", async () => {
  const own = { name: "x", keys: await makeKeys() };
  const text = { use: "server", notBefore: new Date(), notAfter: new Date(Date.now() + 60_000) } as const;
  const first = fingerprintsOf(await makeCertificate(own, own, text));
  const second = fingerprintsOf(await makeCertificate(own, own, text));
  const other = { name: "x", keys: await makeKeys() };
  const third = fingerprintsOf(await makeCertificate(other, other, text));
  assert.notEqual(first.certificate, second.certificate);
  assert.equal(first.key, second.key);
  assert.notEqual(first.key, third.key);
});

Deno.test("a fingerprint is read as people have it, and what is none is refused", () => {
  const hex = "0123456789abcdef".repeat(4);
  const colons = hex.toUpperCase().match(/../g)?.join(":") ?? "";
  for (
    const text of [hex, `sha256:${hex}`, `SHA256:${hex.toUpperCase()}`, colons, `sha256:${colons}`, `SHA-256=${hex}`]
  ) {
    assert.equal(parseFingerprint(text), `sha256:${hex}`);
  }
  for (const text of ["", "sha256:", hex.slice(1), `${hex}0`, `md5:${hex}`, `sha1:${hex}`, `sha256:${hex.slice(1)}g`]) {
    assert.throws(() => parseFingerprint(text), (error) => {
      return error instanceof JumpstarterError && error.code === "usage" && error.hint !== undefined;
    });
  }
});
