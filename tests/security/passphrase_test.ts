/** The passphrase: where it comes from, and all the places where it is never seen. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import * as pb from "../../proto/mod.ts";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";
import { missingTerminal, startJmpOnTerminal } from "../fixtures/typed_terminal.ts";

const reason = await missingTerminal();
const secret = "Tr0ub4dor & 3";
const on = ["--", "j", "power", "on"];

Deno.test("it is taken from a file, at both ends, and from the environment", async () => {
  await using place = await Place.open();
  const file = await place.write("secret", `${secret}\n`);
  await using exporter = await startExporter(place, { args: ["--passphrase-file", file] });
  await exporter.ready();
  const ways = [
    runJmp(place, [...exporter.shell, "--passphrase-file", file, ...on]),
    runJmp(place, [...exporter.shell, "--passphrase", secret, ...on]),
    runJmp(place, [...exporter.shell, ...on], { env: { JMP_GRPC_PASSPHRASE: secret } }),
    runJmp(place, ["inspect", ...exporter.shell.slice(1), "--passphrase-file", file]),
  ];
  for (const { code, stderr } of await Promise.all(ways)) assert.equal(code, 0, stderr);
  const { code } = await runJmp(place, [...exporter.shell, "--passphrase-file", await place.write("no", "x"), ...on]);
  assert.equal(code, 5);
  assert.ok(!exporter.program.stderr.includes(secret));
});

Deno.test("a file that holds none, or cannot be read, is told at once", async (t) => {
  await using place = await Place.open();
  const words = ["shell", "--tls-grpc", "127.0.0.1:1", "--tls-grpc-insecure"];
  const cases: [string, string, number, RegExp][] = [
    ["no file", place.path("none"), 3, /Cannot read --passphrase-file .*none: there is no such file/],
    ["an empty one", await place.write("empty", "\n"), 2, /The passphrase is empty/],
    ["two lines", await place.write("two", "one\ntwo\n"), 2, /outside printable ASCII/],
    ["a large one", await place.write("large", "x".repeat(5_000)), 3, /it is too long/],
    ["a folder", place.dir, 3, /Cannot read --passphrase-file/],
  ];
  for (const [name, file, code, says] of cases) {
    await t.step(name, async () => {
      assertBriefError(await runJmp(place, [...words, "--passphrase-file", file, ...on]), { code, says, hint: /./ });
    });
  }
  await t.step("both ways at once", async () => {
    const both = await runJmp(place, [...words, "--passphrase-file", "x", "--passphrase", secret, ...on]);
    assertBriefError(both, { code: 2, says: /both give a passphrase/, hint: /leave one/ });
    assert.ok(!both.stderr.includes(secret));
  });
});

Deno.test("on a terminal it is asked for when it is missing, unseen", { ignore: reason !== undefined }, async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { args: ["--passphrase", secret] });
  await exporter.ready();
  const words = [...exporter.shell, "--", "sh", "-c", "j power on && JMP_AGENT= j power on && echo both"];
  await using asked = startJmpOnTerminal(place, words);
  await asked.seeOut(/Passphrase of the exporter at 127\.0\.0\.1:\d+: $/);
  await asked.type("wrong\r");
  await asked.seeOut(/(Passphrase of the exporter at 127\.0\.0\.1:\d+: [^]*){2}$/);
  assert.match(asked.stdout, /That is not it\s+Passphrase of/);
  await asked.type(`x\x15${secret}!\x7f\r`);
  await asked.seeOut("both");
  const { code, stdout } = await asked.ended();
  assert.equal(code, 0);
  assert.ok(!stdout.includes("wrong") && !stdout.includes(secret), stdout);

  await using stopped = startJmpOnTerminal(place, words);
  await stopped.seeOut("Passphrase of");
  await stopped.type("\x03");
  assert.equal((await stopped.ended()).code, 130);

  // A wrong one is no missing one, and neither is one of a script that nobody answers.
  await using wrong = startJmpOnTerminal(place, [...exporter.shell, "--passphrase", "no", ...on]);
  assert.equal((await wrong.ended()).code, 5);
  const { code: none, stderr } = await runJmp(place, [...exporter.shell, ...on]);
  assert.equal(none, 5);
  assert.match(stderr, /--passphrase-file/);
});

Deno.test("empty ones and ones that cannot travel are refused at start, wherever they come from", async () => {
  await using place = await Place.open();
  const run = ["run", "--exporter-config", "x", "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  for (const passphrase of ["", "schl\u00fcssel", "a\tb", "a\x1b[0m", "a\nb"]) {
    const file = await place.write("secret", `${passphrase}\n`);
    for (
      const ended of [
        await runJmp(place, [...run, "--passphrase-file", file]),
        await runJmp(place, run, { env: { JMP_GRPC_PASSPHRASE: passphrase } }),
      ]
    ) {
      assert.equal(ended.code, 2, ended.stderr);
      assert.match(ended.stderr, /The passphrase (is empty|has characters outside printable ASCII)/);
      assert.ok(passphrase === "" || !ended.stderr.includes(passphrase));
    }
  }
});

Deno.test("no child of the exporter is told it, by its words or its environment", async () => {
  await using place = await Place.open();
  const shell = {
    type: "jumpstarter_driver_shell.driver.Shell",
    config: { methods: { look: "env; ps axww -o args" } },
  };
  for (const args of [["--passphrase", secret], ["--passphrase", secret, "--least-privilege"], []]) {
    const hooks = { beforeLease: { script: "env; ps axww -o args | grep -v 'jmp run\\|cli.ts run'" } };
    await using exporter = await startExporter(place, {
      config: { export: { shell }, hooks },
      args,
      env: args.length === 0 ? { JMP_GRPC_PASSPHRASE: secret } : {},
    });
    await exporter.ready();
    const env = { ...exporter.env, JMP_GRPC_PASSPHRASE: secret };
    const { code, stdout, stderr } = await runJmp(place, ["j", "call", "shell", "call_method", "look", "{}"], { env });
    assert.equal(code, 0, stderr);
    const seen = stdout.split("\\n").filter((line) => !/cli\.ts run .*--passphrase T/.test(line)).join("\n");
    assert.match(seen, /PATH=/);
    assert.ok(!seen.includes("JMP_GRPC_PASSPHRASE"), seen);
    const own = [...(await place.processes()).values()].filter((words) => words.includes(secret));
    assert.ok(own.length <= (args.length === 0 ? 0 : 1), own.join("\n"));
    assert.ok(!exporter.program.stderr.includes(secret));
  }
});

Deno.test("every method and every stream asks for it, and a wrong one is noted by its address alone", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { args: ["--passphrase", secret] });
  await exporter.ready();
  const client = connect(`http://${exporter.address}`).on("error", () => {});
  const paths = [pb.ExporterService, pb.RouterService, pb.DirectService].flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `/${typeName}/${name}`)
  );
  for (const path of paths) {
    const stream = client.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "x-jumpstarter-passphrase": "GuessOfAStranger",
    });
    stream.end(new Uint8Array(5));
    const [answer] = await once(stream, "response");
    assert.equal(answer["grpc-status"], "16", path);
    stream.resume();
  }
  client.destroy();
  const noted = exporter.program.stderr.match(/authentication failed: .* from 127\.0\.0\.1:\d+\)/g) ?? [];
  assert.ok(noted.length > 0 && noted.length <= paths.length, `${noted.length} of ${paths.length}`);
  assert.doesNotMatch(exporter.program.stderr, /GuessOfAStranger/);
});
