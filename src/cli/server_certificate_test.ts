import assert from "node:assert/strict";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { isWindows } from "../platform.ts";
import { Place } from "../../tests/fixtures/place.ts";
import { serverCertificate } from "./server_certificate.ts";

Deno.test("each change of the files is told once: the new certificate, or why there is none", async () => {
  await using place = await Place.open();
  const first = await makeSelfSigned(), second = await makeSelfSigned();
  const cert = await place.write("s.crt", first.cert), key = await place.write("s.key", first.key);
  const { renewed } = await serverCertificate({ cert, key }, { kind: "tcp", port: 0 });
  const change = async (act: () => Promise<unknown>, says: RegExp) => {
    await act();
    await assert.rejects(renewed(), says);
    assert.equal(await renewed(), undefined, `${says} is told once`);
  };
  assert.equal(await renewed(), undefined);
  await change(() => place.write("s.key", "garbage"), /^JumpstarterError: --tls-key \S+s\.key holds no private key$/);
  await change(() => place.write("s.key", "more garbage"), /--tls-key \S+s\.key holds no private key$/);
  await change(() => Deno.remove(key), /Cannot read --tls-key \S+s\.key: there is no such file$/);
  await place.write("s.key", first.key);
  assert.equal((await renewed())?.cert, first.cert);
  await change(() => Deno.rename(key, `${key}.old`), /there is no such file$/);
  await Deno.rename(`${key}.old`, key);
  assert.equal((await renewed())?.cert, first.cert, "one that is back as it was is a change, too");
  await change(() => place.write("s.crt", second.cert), /do not belong together$/);
  await place.write("s.key", second.key);
  assert.equal((await renewed())?.cert, second.cert);
  assert.equal(await renewed(), undefined);
});

Deno.test("a pipe is read once, at the start", { ignore: isWindows }, async () => {
  await using place = await Place.open();
  const { cert, key } = await makeSelfSigned();
  const source = { cert: await place.write("s.crt", cert), key: await place.makePipe("key.pipe") };
  const args = ["-c", `cat '${await place.write("s.key", key)}' >'${source.key}'`];
  const [{ renewed }] = await Promise.all([
    serverCertificate(source, { kind: "tcp", port: 0 }),
    new Deno.Command("sh", { args }).output(),
  ]);
  await Deno.utime(source.key, new Date(), new Date(Date.now() + 60_000));
  const again = new Deno.Command("sh", { args }).spawn(); // ends what would read it once more
  assert.equal(await renewed(), undefined);
  again.kill();
  await again.status;
});
