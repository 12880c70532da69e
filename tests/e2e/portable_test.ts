/** The program on Windows, as far as that can be had elsewhere: whatever Windows lacks is missing. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { denoWords, type Ended, Program, runJmp, startJmp, type StartOptions } from "../fixtures/program.ts";
import { onWindows, pressCtrlC } from "../fixtures/windows.ts";

const power = { type: "jumpstarter_driver_power.driver.MockPower" };
const storage = { type: "jumpstarter_driver_opendal.driver.Opendal", config: { scheme: "memory" } };
const readings = "0 V  0 A  0 W\n5 V  2 A  10 W\n";

/** Fails unless a program ended well, with this on stdout. */
function assertDone({ code, stdout, stderr }: Ended, expected: string | RegExp): void {
  assert.equal(code, 0, stderr);
  if (typeof expected === "string") assert.equal(stdout, expected, stderr);
  else assert.match(stdout, expected, stderr);
}

Deno.test("what stands for Windows here lacks what Windows lacks", async () => {
  await using place = await Place.open();
  await place.write("script", "#!/bin/sh\n", 0o700);
  const tries = async (options: StartOptions): Promise<Ended> => {
    const words = [...denoWords("tests/fixtures/unix_only.ts", options), place.dir];
    await using program = new Program(place, words, options);
    return await program.ended();
  };
  assertDone(await tries(onWindows(place)), "");
  assertDone(await tries({}), /umask\n/);
});

Deno.test("a client on Windows", async (t) => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: { export: { power, storage } } });
  await exporter.ready();
  const windows = onWindows(place);
  const remote = exporter.shell.slice(1);
  const jmp = (...words: string[]) => runJmp(place, words, windows);
  const j = (...words: string[]) =>
    runJmp(place, ["j", ...words], { ...windows, env: { ...windows.env, ...exporter.env } });
  const image = await place.write("image.raw", "x".repeat(3_000_000));

  await t.step("the library connects, calls, streams and moves files", async () => {
    const words = [...denoWords("tests/fixtures/portable_client.ts", windows), exporter.address];
    await using program = new Program(place, [...words, image, place.path("library.raw")], windows);
    assertDone(await program.ended(), "done on windows\n");
  });
  await t.step("jmp says what it is and what there is", async () => {
    assertDone(await jmp("version"), /^\d+\.\d+\.\d+\n$/);
    assertDone(await jmp("--help"), /^Usage: jmp /);
    assertDone(await jmp("inspect", ...remote), /^bench\n {2}power /);
    assertDone(await jmp("status", ...remote), /^bench: LEASE_READY /);
    assertDone(await jmp("config", "check", await writeConfig(place)), /: ok; "bench" would serve power\n$/);
  });
  await t.step("j finds the exporter by its environment", async () => {
    assertDone(await j("power", "on"), "");
    assertDone(await j("power", "read"), readings);
    assertDone(await j("storage", "write-from-path", "image", image), "");
    assertDone(await j("storage", "read-into-path", "image", place.path("j.raw")), "");
    assert.deepEqual(await Deno.readFile(place.path("j.raw")), await Deno.readFile(image));
  });
  await t.step("jmp shell runs a command and ends with its code", async () => {
    const script = await place.write("script.ts", "console.log(Deno.env.get('JMP_EXPORTER')); Deno.exit(7);");
    const { code, stdout, stderr } = await jmp(...exporter.shell, "--", "deno", "run", "-A", script);
    assert.deepEqual({ code, stdout }, { code: 7, stdout: "bench\n" }, stderr);
    const missing = await jmp(...exporter.shell, "--", "no-such-command");
    assertBriefError(missing, { code: 127, says: /no-such-command: command not found/ });
  });
  await t.step("j is on the Path of a shell", async () => {
    assertDone(await jmp(...exporter.shell, "--", "j", "power", "read"), readings);
  });
  await t.step(
    "without a command it is the interpreter of Windows, with the exporter's name in its prompt",
    async () => {
      await using shell = startJmp(place, exporter.shell, windows);
      await shell.type("j power read\r\nexit /b 5\r\n");
      await shell.closeInput();
      const { code, stdout, stderr } = await shell.ended();
      assert.deepEqual({ code, stdout }, { code: 5, stdout: `[bench] $P$G\n${readings}` }, stderr);
    },
  );
  await t.step("ctrl-C reaches the command, and jmp ends with its code", async () => {
    const script =
      "Deno.addSignalListener('SIGINT', () => Deno.exit(9)); console.log('up'); setInterval(() => {}, 1e6)";
    const file = await place.write("wait.ts", script);
    await using shell = startJmp(place, [...exporter.shell, "--", "deno", "run", "-A", file], windows);
    await shell.seeOut("up\n");
    const { code, stderr } = await pressCtrlC(shell);
    assert.deepEqual({ code, stderr }, { code: 9, stderr: "" });
  });
  await exporter.program.stop();
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("an exporter on Windows serves TLS and runs hooks, until ctrl-C", async () => {
  await using place = await Place.open();
  const windows = onWindows(place);
  const beforeLease = { script: "echo for %LEASE_NAME%\nj power on" };
  const afterLease = { script: "j power off\nexit /b 3" };
  const config = { export: { power }, hooks: { beforeLease, afterLease } };
  await using exporter = await startExporter(place, { ...windows, config, security: [] });
  await exporter.ready();
  const certificate = place.path("home", ".local", "state", "jumpstarter", "tls", "exporter.crt");
  const trusted = ["--tls-grpc", exporter.address, "--tls-ca", certificate];
  assertDone(await runJmp(place, ["shell", ...trusted, "--", "j", "power", "read"], windows), readings);
  const { code, stderr } = await pressCtrlC(exporter.program);
  assert.equal(code, 0, stderr);
  const hooks = stderr.match(/(?<=\[(?:\w+Lease|MockPower)\] ).*|afterLease hook.*/g);
  assert.deepEqual(hooks, ["for standalone", "power on", "power off", "afterLease hook failed with exit code 3"]);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("jmp shell on Windows serves a config by itself", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, { hooks: { beforeLease: { script: "j power on" } } });
  const words = ["shell", "--exporter-config", config, "--", "j", "power", "read"];
  assertDone(await runJmp(place, words, onWindows(place)), readings);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("what only Unix has is refused on Windows in a line", async (t) => {
  await using place = await Place.open();
  const windows = onWindows(place);
  await t.step("an interpreter of a hook", async () => {
    const hooks = { beforeLease: { script: "true", exec: "/bin/bash", onFailure: "exit" } } as const;
    await using exporter = await startExporter(place, { ...windows, config: { hooks } });
    const { code, stderr } = await exporter.program.ended();
    assert.equal(code, 6, stderr);
    assert.match(stderr, /ERROR +beforeLease hook could not be started: there is no program "\/bin\/bash"\n/);
  });
  await t.step("a serial port", async () => {
    const serial = { type: "jumpstarter_driver_pyserial.driver.PySerial", config: { url: "/dev/ttyUSB0" } };
    const config = await writeConfig(place, { export: { serial: { ...serial, required: true } } });
    const words = ["run", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
    const says = /"serial" .*: serial ports of windows are not supported, those of Linux are$/;
    assertBriefError(await runJmp(place, words, windows), { code: 1, says, hint: /socket:\/\/HOST:PORT/ });
  });
});
