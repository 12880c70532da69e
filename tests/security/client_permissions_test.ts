/** The commands of a client under what the README says that they need, and then without each part of it. */
import assert from "node:assert/strict";
import { fingerprintsOf } from "../../src/fingerprint.ts";
import { rememberExporter } from "../../src/trust/mod.ts";
import { makeSelfSigned } from "../fixtures/certificate.ts";
import { exampleConfig, startExporter } from "../fixtures/exporter.ts";
import { Place, repository } from "../fixtures/place.ts";
import { Program } from "../fixtures/program.ts";

/** Runs `jmp` under these flags alone. */
async function runUnder(place: Place, flags: readonly string[], words: readonly string[], env = {}) {
  // From mod.ts, since cli.ts imports by a computed name, which Deno allows with read access to the source.
  const argv = ["deno", "run", "--quiet", "--no-prompt", ...flags, `${repository}/mod.ts`, ...words];
  await using program = new Program(place, argv, { env });
  return await program.ended();
}

/** An exporter that speaks TLS, and the three ways to trust it. */
async function startSecure(place: Place) {
  const { cert, key } = await makeSelfSigned();
  const ca = await place.write("exporter.crt", cert);
  const security = ["--tls-cert", ca, "--tls-key", await place.write("exporter.key", key)];
  const exporter = await startExporter(place, { security });
  await exporter.ready();
  const { certificate: fingerprint } = fingerprintsOf(cert);
  const known = place.path("home", ".local", "state", "jumpstarter", "known_exporters");
  await rememberExporter(known, exporter.address, fingerprint);
  return { ...exporter, ca, fingerprint, known };
}

Deno.test("each command works under what it needs, and is stopped with a clear word without any part of that", async (t) => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  const { address, env } = exporter;
  const remote = ["--tls-grpc", address, "--tls-grpc-insecure"];
  await using secure = await startSecure(place);
  const trusted = ["--allow-env", `--allow-net=${secure.address}`];
  const tls = ["--tls-grpc", secure.address];
  const temp = place.path("tmp");
  const shell = ["--allow-env", `--allow-net=${address}`, `--allow-write=${temp}`];
  const commands: [words: string[], flags: string[], refused: RegExp][] = [
    [["config", "check", exampleConfig], ["--allow-env", `--allow-read=${exampleConfig}`], /--allow-read/],
    [["inspect", ...remote], ["--allow-env", `--allow-net=${address}`], /net access|--allow-net/],
    [["status", ...remote], ["--allow-env", `--allow-net=${address}`], /net access|--allow-net/],
    [["j", "power", "on"], ["--allow-env", `--allow-net=${address}`], /net access|--allow-net/],
    [["inspect", ...tls, "--tls-fingerprint", secure.fingerprint], trusted, /--allow-net/],
    [["status", ...tls, "--tls-ca", secure.ca], [...trusted, `--allow-read=${secure.ca}`], /--allow-(net|read)/],
    [["inspect", ...tls], [...trusted, `--allow-read=${secure.known}`], /--allow-(net|read)/],
    [["shell", ...remote, "--", "true"], [...shell, "--allow-run=true"], /--allow-(net|write|run)/],
  ];
  for (const [words, flags, refused] of commands) {
    await t.step(words.join(" "), async () => {
      const { code, stderr } = await runUnder(place, flags, words, env);
      assert.equal(code, 0, stderr);
      // Without the environment grpc-js does not even load; that is said by Deno, before any code of this project.
      for (const dropped of flags.slice(1)) {
        const less = flags.filter((flag) => flag !== dropped);
        const { code, stderr } = await runUnder(place, less, words, env);
        assert.notEqual(code, 0, `without ${dropped}`);
        assert.match(stderr, refused, `without ${dropped}`);
        assert.doesNotMatch(stderr, /check the path/, "it is Deno that refuses");
        assert.ok(stderr.split("\n").length <= 4 && !stderr.includes("    at "), `without ${dropped}: ${stderr}`);
      }
    });
  }
});
