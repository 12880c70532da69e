import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { fingerprintsOf } from "../fingerprint.ts";
import { ownCertificate } from "./own_certificate.ts";
import { stateDir } from "./state_dir.ts";

const dayMs = 86_400_000;
const names = ["localhost", "127.0.0.1", "::1"];

async function inStateDir(test: (dir: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "state-" });
  try {
    await test(join(parent, "tls"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("it is made once, for the names, in files of its user", () =>
  inStateDir(async (dir) => {
    const made = await ownCertificate({ dir, names });
    assert.equal(made.isNew, true);
    const certificate = new X509Certificate(made.cert);
    assert.ok(certificate.checkHost("localhost") && certificate.checkIP("127.0.0.1") && certificate.checkIP("::1"));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(made.key)));
    const left = (new Date(certificate.validTo).getTime() - Date.now()) / dayMs;
    assert.ok(left > 3_000, `${left} days`);
    const mode = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
    assert.equal(await mode(dir), 0o700);
    assert.deepEqual(
      await Promise.all(["exporter.key", "exporter.crt"].map((name) => mode(join(dir, name)))),
      [0o600, 0o600],
    );
    assert.equal(await Deno.readTextFile(made.certFile), made.cert);
    const again = await ownCertificate({ dir, names });
    assert.equal(again.isNew, false);
    assert.deepEqual([again.cert.trim(), again.key, again.missingNames], [made.cert.trim(), made.key, []]);
  }));

Deno.test("it is renewed before it ends, with the same key", () =>
  inStateDir(async (dir) => {
    const first = await ownCertificate({ dir, names });
    const end = new Date(new X509Certificate(first.cert).validTo).getTime();
    assert.equal((await ownCertificate({ dir, names, now: new Date(end - 91 * dayMs) })).isNew, false);
    for (const now of [end - 89 * dayMs, end + dayMs]) {
      const renewed = await ownCertificate({ dir, names, now: new Date(now) });
      assert.equal(renewed.isNew, true);
      assert.ok(new Date(new X509Certificate(renewed.cert).validTo).getTime() > end);
      assert.notEqual(fingerprintsOf(renewed.cert).certificate, fingerprintsOf(first.cert).certificate);
      assert.equal(fingerprintsOf(renewed.cert).key, fingerprintsOf(first.cert).key);
      await Deno.writeTextFile(first.certFile, first.cert);
    }
  }));

Deno.test("names that came later are told, and do not change it", () =>
  inStateDir(async (dir) => {
    const first = await ownCertificate({ dir, names });
    const later = await ownCertificate({ dir, names: [...names, "192.0.2.7", "bench.lab"] });
    assert.equal(later.isNew, false);
    assert.equal(later.cert.trim(), first.cert.trim());
    assert.deepEqual(later.missingNames, ["192.0.2.7", "bench.lab"]);
  }));

Deno.test("exporters that begin together have one certificate", () =>
  inStateDir(async (dir) => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ownCertificate({ dir, names })));
    assert.deepEqual(new Set(all.map(({ cert }) => cert.trim())).size, 1);
    assert.deepEqual(new Set(all.map(({ key }) => key)).size, 1);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(dir))).length, 2);
  }));

Deno.test("a certificate that is damaged or of another key is made anew; a key that is no secret is refused", () =>
  inStateDir(async (dir) => {
    const { certFile, key } = await ownCertificate({ dir, names });
    await Deno.writeTextFile(certFile, "damaged");
    const mended = await ownCertificate({ dir, names });
    assert.deepEqual([mended.isNew, mended.key], [true, key]);
    const keyFile = join(dir, "exporter.key");
    await Deno.remove(keyFile);
    const other = await ownCertificate({ dir, names });
    assert.equal(other.isNew, true);
    assert.notEqual(other.key, key);
    const refused = async (says: RegExp) =>
      await assert.rejects(ownCertificate({ dir, names }), (error) => {
        assert.ok(error instanceof JumpstarterError && error.code === "config" && error.hint);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message + error.hint, /PRIVATE KEY-|BEGIN/);
        return true;
      });
    await Deno.chmod(keyFile, 0o644);
    await refused(/Other users can read .*exporter\.key/);
    await Deno.chmod(keyFile, 0o600);
    await Deno.writeTextFile(keyFile, "no key");
    await Deno.remove(certFile);
    await refused(/exporter\.key is no private key/);
  }));

Deno.test("the state directory is the user's", () => {
  assert.equal(stateDir({ XDG_STATE_HOME: "/s", HOME: "/h" }), "/s/jumpstarter");
  assert.equal(stateDir({ XDG_STATE_HOME: "relative", HOME: "/h" }), "/h/.local/state/jumpstarter");
  assert.equal(stateDir({ XDG_STATE_HOME: "", HOME: "/h" }), "/h/.local/state/jumpstarter");
  assert.throws(() => stateDir({}), (error) => error instanceof JumpstarterError && error.code === "config");
});

Deno.test("a key or a certificate that links to nothing is told", () =>
  inStateDir(async (dir) => {
    await Deno.mkdir(dir, { mode: 0o700 });
    for (const name of ["exporter.key", "exporter.crt"]) {
      const file = join(dir, name);
      await Deno.symlink(join(dir, "none"), file);
      await assert.rejects(ownCertificate({ dir, names }), (error) => {
        assert.ok(error instanceof JumpstarterError);
        assert.deepEqual([error.code, error.message.startsWith(file)], ["config", true]);
        return true;
      });
      await Deno.remove(file);
    }
  }));
