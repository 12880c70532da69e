/** `jmp run --least-privilege`: what the config needs is there, and nothing else. */
import assert from "node:assert/strict";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

const least = ["--least-privilege"];

/** A driver that tries what it has not declared; what `declares` is all that it names. */
function greedyDriver(declares = "[]"): string {
  return `
    import { createSocket } from "node:dgram";
    const call = (run) => ({ kind: "call", run });
    export const greedy = {
      type: "acme.Greedy",
      client: "acme.GreedyClient",
      summary: "Tries more than it says",
      start: () => null,
      permissions: () => ${declares},
      methods: {
        read: call(async () => (await Deno.readTextFile("/etc/shadow")).length),
        dial: call(async () => void await Deno.connect({ hostname: "127.0.0.1", port: 9 })),
        start: call(async () => void await new Deno.Command("id").output()),
        later: call(() => void createSocket("udp4").bind(0)),
        env: call(() => typeof Deno.env.get("HOME")),
      },
    };`;
}

async function greedyExporter(place: Place, declares?: string) {
  await place.write("greedy.ts", greedyDriver(declares));
  return await startExporter(place, { config: { export: { greedy: { type: "./greedy.ts#greedy" } } }, args: least });
}

Deno.test("the example's hooks and devices work under no more than they declare", async () => {
  await using place = await Place.open();
  const hooks = { beforeLease: { script: "j power on" }, afterLease: { script: "j power off && echo all off" } };
  await using exporter = await startExporter(place, { config: { hooks }, args: least });
  await exporter.ready();
  assert.match(exporter.program.stderr, /power on/);
  const read = await runJmp(place, [...exporter.shell, "--", "j", "power", "read"]);
  assert.deepEqual([read.code, read.stdout.split("\n").length > 1], [0, true]);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0);
  assert.match(stderr, /all off/);
});

Deno.test("a driver that tries more is stopped, and the exporter says which one wanted what", async () => {
  await using place = await Place.open();
  await using exporter = await greedyExporter(place);
  await exporter.ready();
  const refused = {
    read: /the driver "greedy" is not allowed read access to "\/etc\/shadow"/,
    dial: /the driver "greedy" is not allowed net access to "127\.0\.0\.1:9"/,
    start: /the driver "greedy" is not allowed run access to "id"/,
  };
  for (const [method, message] of Object.entries(refused)) {
    const { code, stderr } = await runJmp(place, [...exporter.shell, "--", "j", "call", "greedy", method]);
    assert.equal(code, 1, method);
    assert.match(stderr, message);
    await exporter.program.seeErr(message);
  }
});

Deno.test("a refusal that comes in a callback of nobody's does not end the exporter", async () => {
  await using place = await Place.open();
  await using exporter = await greedyExporter(place);
  await exporter.ready();
  await runJmp(place, [...exporter.shell, "--", "j", "call", "greedy", "later"]);
  await exporter.program.seeErr(/An error that nobody handled.*net access/);
  const { code, stdout } = await runJmp(place, [...exporter.shell, "--", "j", "call", "greedy", "env"]);
  assert.deepEqual([code, stdout], [0, "string\n"]);
});

Deno.test("what a driver declares it gets", async () => {
  await using place = await Place.open();
  await using exporter = await greedyExporter(place, `[{ kind: "read", of: "/etc/shadow" }]`);
  await exporter.ready();
  const { code, stderr } = await runJmp(place, [...exporter.shell, "--", "j", "call", "greedy", "read"]);
  // Deno lets it; whether the system does is for the user who runs this.
  assert.ok(code === 0 || /Permission denied/i.test(stderr), stderr);
  assert.doesNotMatch(stderr, /not allowed/);
});

Deno.test("jmp permissions prints each part, the flags and the set, which are those of the run", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, {
    export: { net: { type: "jumpstarter_driver_network.driver.TcpNetwork", config: { host: "192.0.2.7", port: 22 } } },
    hooks: { beforeLease: { script: "true", exec: "bash" } },
  });
  const words = ["permissions", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:19090"];
  const { code, stdout, stderr } = await runJmp(place, words);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^config +--allow-read=${config}$`, "m"));
  assert.match(stdout, /^listener +--allow-net=127\.0\.0\.1:19090$/m);
  assert.match(stdout, /^hook beforeLease +--allow-run=\/bin\/sh,bash$/m);
  assert.match(stdout, /^driver net +--allow-net=192\.0\.2\.7:22$/m);
  assert.match(stderr, /bound by the system's rules/);
  const inDir = [...words, "--runtime-dir", "/run/bench"];
  const flags = (await runJmp(place, [...inDir, "--flags"])).stdout.trim().split(" ");
  const set = JSON.parse((await runJmp(place, [...inDir, "--json"])).stdout);
  assert.deepEqual(set.net, ["127.0.0.1:19090", "192.0.2.7:22", "unix:/run/bench/hooks.sock"]);
  assert.deepEqual(flags.find((flag) => flag.startsWith("--allow-net=")), `--allow-net=${set.net.join(",")}`);
  assert.deepEqual([set.run, set.env, set.ffi, set.sys], [
    ["/bin/sh", "bash"],
    true,
    undefined,
    ["hostname", "networkInterfaces", "uid"], // what a certificate of its own is made from
  ]);
  assert.deepEqual(set.write, ["/run/bench", place.path("home", ".local", "state", "jumpstarter", "tls")].sort());
  const plain = JSON.parse((await runJmp(place, [...inDir, "--json", "--tls-grpc-insecure"])).stdout);
  assert.deepEqual([plain.sys, plain.write], [undefined, ["/run/bench"]]);
  const unplaced = await runJmp(place, [...words, "--flags"]);
  assert.equal(unplaced.code, 2);
  assert.match(unplaced.stderr, /give --runtime-dir/);
});

Deno.test({
  name: "a run that a real-time signal ends is told by its exit code",
  ignore: Deno.build.os !== "linux", // no other system has such signals
  fn: async () => {
    await using place = await Place.open();
    await using exporter = await startExporter(place, { args: least });
    await exporter.ready();
    const [restarted] = [...await place.processes()].find(([, words]) => words.includes("--no-prompt")) ?? [];
    await new Deno.Command("kill", { args: ["-40", String(restarted)] }).output();
    assert.equal((await exporter.program.ended()).code, 168);
  },
});
