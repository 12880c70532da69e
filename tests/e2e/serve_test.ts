/** `jmp run` and the clients it serves, with the command lines of the README. */
import assert from "node:assert/strict";
import { makeAuthority } from "../fixtures/certificate.ts";
import { exampleConfig, type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { freePort, hasIpv6 } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

/** Stops an exporter, and looks that nothing of it is left. */
async function stopCleanly(place: Place, { program }: RunningExporter): Promise<void> {
  const { code, stdout, stderr } = await program.stop();
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "", "an exporter has no results, so all it says is for stderr");
  assert.match(stderr, /Stopped\n$/);
  assert.deepEqual(await place.leftFiles(), []);
  assert.deepEqual(await place.leftProcesses(), []);
}

Deno.test("the example is served in plaintext, and j drives it", async (t) => {
  await using place = await Place.open();
  const port = freePort();
  await using exporter = await startExporter(place, { config: exampleConfig, listener: `0.0.0.0:${port}` });
  await exporter.ready();
  assert.equal(exporter.address, `0.0.0.0:${port}`);
  assert.match(exporter.program.stderr, /\[beforeLease\] Exporter ready\n/);
  assert.match(exporter.program.stderr, /WARNING Anyone who can reach this machine can drive the devices/);

  const shell = ["shell", "--tls-grpc", `127.0.0.1:${port}`, "--tls-grpc-insecure"];
  const drive = async (...words: string[]) => {
    const { code, stdout, stderr } = await runJmp(place, [...shell, ...words]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  // The hook has switched it on.
  const switched = ["on"];
  const wasSwitched = async (...states: string[]) => {
    switched.push(...states);
    await exporter.program.seeErr(new RegExp(`(?:\\[MockPower\\] power [^]*){${switched.length}}`));
    assert.deepEqual(exporter.program.stderr.match(/(?<=\[MockPower\] power )\w+/g), switched);
  };

  await t.step("with the separator", async () => {
    assert.equal(await drive("--", "j", "power", "on"), "");
    await wasSwitched("on");
  });
  await t.step("without it", async () => {
    assert.equal(await drive("j", "power", "off"), "");
    await wasSwitched("off");
  });
  await t.step("a command's own options are its own", async () => {
    assert.equal(await drive("j", "power", "cycle", "--wait", "0.05"), "");
    await wasSwitched("off", "on");
  });
  await t.step("readings go to stdout", async () => {
    const stdout = await drive("--", "j", "power", "read", "-n", "3", "-i", "0.1");
    assert.equal(stdout, "0 V  0 A  0 W\n5 V  2 A  10 W\n".repeat(3));
  });
  await stopCleanly(place, exporter);
});

Deno.test("a bare port is served on every address, to who knows the passphrase", async () => {
  await using place = await Place.open();
  const port = freePort();
  const passphrase = ["--passphrase", "my-secret"];
  await using exporter = await startExporter(place, {
    config: exampleConfig,
    listener: String(port),
    args: passphrase,
  });
  await exporter.ready();
  assert.match(exporter.program.stderr, /WARNING The passphrase crosses the network in plaintext/);
  const on = ["--tls-grpc-insecure", ...passphrase, "--", "j", "power", "on"];
  for (const host of ["127.0.0.1", "localhost", ...(hasIpv6() ? ["[::1]"] : [])]) {
    const { code, stderr } = await runJmp(place, ["shell", "--tls-grpc", `${host}:${port}`, ...on]);
    assert.equal(code, 0, `${host}: ${stderr}`);
  }
  assert.ok(!exporter.program.stderr.includes("my-secret"), "a passphrase is never shown");
  await stopCleanly(place, exporter);
});

Deno.test("the passphrase can come from the environment on both sides", async () => {
  await using place = await Place.open();
  const env = { JMP_GRPC_PASSPHRASE: "from the environment" };
  await using exporter = await startExporter(place, { config: exampleConfig, env });
  await exporter.ready();
  const words = [...exporter.shell, "--", "j", "power", "on"];
  assert.equal((await runJmp(place, words, { env })).code, 0);
  assert.equal((await runJmp(place, words)).code, 5);
});

Deno.test("a certificate and its key serve TLS", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  const ca = await place.write("ca.pem", authority.cert);
  const security = [
    "--tls-cert",
    await place.write("server.crt", cert),
    "--tls-key",
    await place.write("server.key", key),
  ];
  await using exporter = await startExporter(place, { config: exampleConfig, security });
  await exporter.ready();
  assert.match(exporter.program.stderr, /Listening on \S+ \(TLS\)\n/);
  for (const host of ["localhost", "127.0.0.1"]) {
    const shell = ["shell", "--tls-grpc", `${host}:${exporter.port}`, "--tls-ca", ca];
    const { code, stderr } = await runJmp(place, [...shell, "--", "j", "power", "on"]);
    assert.equal(code, 0, `${host}: ${stderr}`);
  }
  await stopCleanly(place, exporter);
});

Deno.test("port 0 picks a free port and prints it", async () => {
  await using place = await Place.open();
  const every = hasIpv6() ? "*" : "0.0.0.0";
  for (const [listener, host] of [[":0", every], ["0", every], ["*:0", every], ["localhost:0", "localhost"]] as const) {
    await using exporter = await startExporter(place, { listener });
    assert.equal(exporter.address, `${host}:${exporter.port}`);
    assert.ok(exporter.port > 0);
    await exporter.ready();
    const { code } = await runJmp(place, [
      "shell",
      "--tls-grpc",
      `localhost:${exporter.port}`,
      "--tls-grpc-insecure",
      "true",
    ]);
    assert.equal(code, 0, listener);
  }
});

Deno.test({
  name: `an IPv6 address is served${hasIpv6() ? "" : " (not run: this machine has no ::1)"}`,
  ignore: !hasIpv6(),
  async fn() {
    await using place = await Place.open();
    await using exporter = await startExporter(place, { listener: "[::1]:0" });
    await exporter.ready();
    assert.equal(exporter.address, `[::1]:${exporter.port}`);
    assert.equal((await runJmp(place, [...exporter.shell, "--", "j", "power", "on"])).code, 0);
    await exporter.program.seeErr("power on");
    const { code } = await runJmp(place, [
      "shell",
      "--tls-grpc",
      `127.0.0.1:${exporter.port}`,
      "--tls-grpc-insecure",
      "true",
    ]);
    assert.equal(code, 4, "an IPv6 address alone is not served on IPv4");
  },
});

Deno.test("an exporter is found by its alias", async () => {
  await using place = await Place.open();
  const folder = place.path("home", ".config", "jumpstarter", "exporters");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(exampleConfig, `${folder}/my-bench.yaml`);
  const words = ["shell", "--exporter", "my-bench", "--", "sh", "-c", "echo $JMP_EXPORTER"];
  const { code, stdout } = await runJmp(place, words);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "example-direct\n" });
});

Deno.test("log lines are JSON where that is asked for", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, { hooks: { beforeLease: { script: "echo hello" } } });
  const listener = ["--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure", "--log-format", "json"];
  await using program = startJmp(place, ["run", "--exporter-config", config, ...listener]);
  await program.seeErr("Ready: ");
  const { stderr } = await program.stop();
  const records: { message: string; severity: string; source: string }[] = stderr.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  const hello = records.find(({ message }) => message === "hello");
  assert.deepEqual([hello?.severity, hello?.source], ["INFO", "beforeLease"]);
});
