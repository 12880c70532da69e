/** Every exit code of the table in `src/exit_codes.ts`, each brought about by a real run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { holdDevices, openChannel } from "../../src/client/mod.ts";
import { exitCodes } from "../../src/exit_codes.ts";
import { exampleConfig, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place, repository } from "../fixtures/place.ts";
import { type Ended, Program, runJmp, startJmp } from "../fixtures/program.ts";

type Run = (place: Place) => Promise<Ended>;

/** A hook that lasts until its exporter is stopped. */
const endless = { script: "echo begun; sleep 3132", timeout: 3600 };
const insecure = ["--tls-grpc-insecure"];

/** Runs a command of `j` against an exporter that is in the midst of beforeLease. */
async function duringHook(place: Place, args: (shell: readonly string[]) => readonly string[]): Promise<Ended> {
  await using exporter = await startExporter(place, { config: { hooks: { beforeLease: endless } } });
  await exporter.program.seeErr("begun");
  return await runJmp(place, args(exporter.shell), { env: exporter.env });
}

/** A code without its run does not pass the type checker. */
const runs: Record<keyof typeof exitCodes, Run> = {
  ok: (place) => runJmp(place, ["shell", "--exporter-config", exampleConfig, "--", "j", "power", "on"]),
  driver: (place) =>
    runJmp(place, ["shell", "--exporter-config", exampleConfig, "--", "j", "call", "power", "explode"]),
  usage: (place) => runJmp(place, ["run", "--no-such-option"]),
  config: (place) => runJmp(place, ["config", "check", place.path("none.yaml")]),
  connect: (place) => runJmp(place, ["shell", "--tls-grpc", `127.0.0.1:${freePort()}`, ...insecure, "--", "true"]),
  async unauthenticated(place) {
    await using exporter = await startExporter(place, { args: ["--passphrase", "my-secret"] });
    return await runJmp(place, [...exporter.shell, "--passphrase", "another", "--", "true"]);
  },
  async hook(place) {
    const hooks = { beforeLease: { script: "exit 3", onFailure: "exit" as const } };
    await using exporter = await startExporter(place, { config: { hooks } });
    return await exporter.program.ended();
  },
  async connectionLost(place) {
    await using exporter = await startExporter(place);
    await exporter.ready();
    const words = ["--", "j", "power", "read", "-n", "100", "-i", "0.05"];
    await using client = startJmp(place, [...exporter.shell, ...words]);
    await client.seeOut("10 W\n");
    exporter.program.signal("SIGKILL");
    return await client.ended();
  },
  timeout: (place) =>
    duringHook(place, (shell) => [...shell, "--ready-timeout", "0.2", "--connect-timeout", "30", "--", "true"]),
  notReady: (place) => duringHook(place, () => ["j", "power", "on"]),
  async listen(place) {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const listener = ["--tls-grpc-listener", `127.0.0.1:${taken.addr.port}`, ...insecure];
    return await runJmp(place, ["run", "--exporter-config", exampleConfig, ...listener]);
  },
  async busy(place) {
    await using exporter = await startExporter(place);
    await exporter.ready();
    using channel = openChannel(exporter.address, { insecure: true });
    await using _hold = await holdDevices(channel, { name: "ann" });
    return await runJmp(place, ["j", "power", "on"], { env: exporter.env });
  },
  async internal(place) {
    const config = await writeConfig(place, { export: { power: { type: "faulty.Driver" } } });
    const faulty = join(repository, "tests", "fixtures", "faulty_program.ts");
    await using program = new Program(place, [Deno.execPath(), "run", "-A", faulty, "config", "check", config]);
    return await program.ended();
  },
  async notExecutable(place) {
    const file = await place.write("plain-file", "", 0o644);
    return await runJmp(place, ["shell", "--exporter-config", exampleConfig, "--", file]);
  },
  notFound: (place) => runJmp(place, ["shell", "--exporter-config", exampleConfig, "--", "no-such-command"]),
  async interrupted(place) {
    await using exporter = await startExporter(place);
    await exporter.ready();
    await using client = startJmp(place, ["j", "power", "read", "-n", "100", "-i", "0.05"], { env: exporter.env });
    await client.seeOut("10 W\n");
    return await client.stop("SIGINT");
  },
  outputClosed(place) {
    const script = `{ j power read -n 1000 -i 0.01; echo $? >code; } | head -n 1; exit "$(cat code)"`;
    return runJmp(place, ["shell", "--exporter-config", exampleConfig, "--", "sh", "-c", script], { cwd: place.dir });
  },
};

for (const [name, run] of Object.entries(runs)) {
  const wanted = exitCodes[name as keyof typeof exitCodes];
  Deno.test(`exit code ${wanted} is ${name}`, async () => {
    await using place = await Place.open();
    const { code, signal, stderr } = await run(place);
    assert.deepEqual({ code, signal }, { code: wanted, signal: null }, stderr);
  });
}

Deno.test("scripts rely on the numbers, so none of them changes", () => {
  assert.deepEqual(exitCodes, {
    ok: 0,
    driver: 1,
    usage: 2,
    config: 3,
    connect: 4,
    unauthenticated: 5,
    hook: 6,
    connectionLost: 7,
    timeout: 8,
    notReady: 9,
    listen: 10,
    busy: 11,
    internal: 70,
    notExecutable: 126,
    notFound: 127,
    interrupted: 130,
    outputClosed: 141,
  });
});

Deno.test("a client that waits for a hook that fails has the hook's code too", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const script = `echo begun; until [ -e "${go}" ]; do sleep 0.02; done; echo no bench; exit 3`;
  const hooks = { beforeLease: { script, onFailure: "exit" as const } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await using client = startJmp(place, [...exporter.shell, "--", "echo", "ran"]);
  await client.seeErr("[beforeLease] begun\n");
  await place.write("go", "");
  const { code, stdout, stderr } = await client.ended();
  assert.deepEqual({ code, stdout }, { code: exitCodes.hook, stdout: "" }, stderr);
  assert.match(stderr, /jmp: beforeLease hook failed with exit code 3\n {2}its last line was: no bench\n$/);
  const ended = await exporter.program.ended();
  assert.equal(ended.code, exitCodes.hook);
  assert.match(ended.stderr, /Ended because beforeLease hook failed with exit code 3\n$/);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("an afterLease that fails and must not has the hook's code", async () => {
  await using place = await Place.open();
  const hooks = { afterLease: { script: "exit 3", onFailure: "exit" as const } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  assert.equal((await exporter.program.stop()).code, exitCodes.hook);
});
