import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { makeAuthority, makeRsaKeys, makeSelfSigned } from "../tests/fixtures/certificate.ts";
import { JumpstarterError } from "./errors.ts";
import { type KeyedPem, parseAuthorities, parsePair } from "./pem.ts";

const source = { cert: { option: "--cert", file: "a.crt" }, key: { option: "--key", file: "a.key" } };

/** Fails unless a text is refused as one of no use, with what to try, and nothing of a key in it. */
function refuses(parse: () => unknown, says: RegExp, hint: RegExp): void {
  assert.throws(parse, (error) => {
    assert.ok(error instanceof JumpstarterError && error.code === "config", String(error));
    assert.match(error.message, says);
    assert.match(error.hint ?? "", hint);
    assert.doesNotMatch(error.message, /OpenSSL|error:|DECODER/i);
    return true;
  });
}

Deno.test("a pair is taken as it is, and out of files that hold more", async () => {
  const { cert, key } = await makeSelfSigned();
  const other = await makeSelfSigned();
  const pair = parsePair({ cert, key }, source);
  assert.deepEqual(parsePair(pair, source), pair);
  const whole = `Bag Attributes\n  friendlyName: bench\n${key}${cert}`;
  assert.deepEqual(parsePair({ cert: whole, key: whole }, source), pair);
  assert.deepEqual(parsePair({ cert: cert.replaceAll("\n", "\r\n"), key }, source).key, pair.key);
  assert.equal(parsePair({ cert: `${cert}${other.cert}`, key }, source).cert.match(/BEGIN/g)?.length, 2);
  assert.equal(parseAuthorities(`an authority\n${cert}`, source.cert), pair.cert);
});

Deno.test("a pair that TLS cannot be spoken with is refused, with its file, the reason and what to try", async () => {
  const good = await makeSelfSigned(), other = await makeSelfSigned();
  const encrypted = createPrivateKey(good.key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string;
  const oldEncrypted = good.key.replaceAll("PRIVATE", "RSA PRIVATE").replace("\n", "\nProc-Type: 4,ENCRYPTED\n");
  const damaged = (pem: string) => pem.replace(/\n[^\n-]+\n/, "\nAAAA\n");
  const authority = await makeAuthority();
  const expired = await makeSelfSigned({ notAfter: new Date(Date.now() - 60_000) });
  const cases: [KeyedPem, RegExp, RegExp][] = [
    [{ ...good, key: other.key }, /^--cert a\.crt and --key a\.key do not belong together$/, /--cert and --key/],
    [{ ...good, cert: "no certificate" }, /^--cert a\.crt holds no certificate$/, /BEGIN CERTIFICATE/],
    [{ ...good, key: "no key" }, /^--key a\.key holds no private key$/, /BEGIN PRIVATE KEY/],
    [{ cert: good.key, key: good.cert }, /^--cert a\.crt holds a private key, and no cert/, /^give it with --key$/],
    [{ ...good, key: good.cert }, /^--key a\.key holds a certificate, and no private key$/, /^give it with --cert$/],
    [{ ...good, cert: damaged(good.cert) }, /^--cert a\.crt holds a certificate that cannot be read$/, /damaged/],
    [{ ...good, cert: good.cert + damaged(other.cert) }, /^--cert a\.crt holds a certificate that cannot/, /damaged/],
    [{ ...good, key: damaged(good.key) }, /^--key a\.key holds a private key that cannot be read$/, /damaged/],
    [{ ...good, cert: good.cert + other.cert.slice(0, 200) }, /^--cert a\.crt is not whole: /, /copy/],
    [{ ...good, key: encrypted }, /^--key a\.key holds a private key that is encrypted$/, /openssl pkey -in a\.key/],
    [{ ...good, key: oldEncrypted }, /^--key a\.key holds a private key that is encrypted$/, /openssl pkey -in a\.key/],
    [expired, /^--cert a\.crt has expired \(.+\)$/, /renew/],
    [await authority.issue({ keys: await makeRsaKeys(1024) }), /^--key a\.key .* cannot use \(RSA of 1024 b/, /2048/],
  ];
  for (const [pair, says, hint] of cases) refuses(() => parsePair(pair, source), says, hint);
  assert.ok(parsePair(await authority.issue({ keys: await makeRsaKeys(2048) }), source));
});

Deno.test("a key of a kind that Deno's TLS cannot sign with is refused, where that would fail every handshake", async () => {
  const { cert } = await makeSelfSigned();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  refuses(() => parsePair({ cert, key }, source), /^--key a\.key holds .* cannot use \(secp256k1\)$/, /P-256/);
});

Deno.test("authorities are certificates, and at least one", async () => {
  const { cert, key } = await makeSelfSigned();
  refuses(() => parseAuthorities(key, source.cert), /^--cert a\.crt holds a private key, and no cert/, /authority/);
  refuses(() => parseAuthorities("", { option: "tlsCa" }), /^tlsCa holds no certificate$/, /BEGIN CERTIFICATE/);
  refuses(() => parseAuthorities(`${cert}${cert.slice(0, 99)}`, source.cert), /^--cert a\.crt is not whole/, /copy/);
});
