/** What a service manager is told over `NOTIFY_SOCKET`, and what its signals come to. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../mod.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { NotifySocket } from "../fixtures/notify_socket.ts";
import { Place, repository } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";

function linuxTest(name: string, fn: () => Promise<void>): void {
  const ignore = Deno.build.os !== "linux";
  Deno.test({ name: ignore ? `${name} (not run: this is not Linux)` : name, ignore, fn });
}

/** A script that waits until the test makes a file. */
const waitsFor = (file: string) => `until [ -e '${file}' ]; do sleep 0.01; done`;

linuxTest(
  "systemd reads the status, that it is ready after beforeLease, and that it stops before afterLease",
  async () => {
    await using place = await Place.open();
    using socket = new NotifySocket(place.path("notify"));
    const go = place.path("go"), env = place.path("hook.env");
    const hooks = {
      beforeLease: { script: `env >'${env}'; ${waitsFor(go)}`, timeout: 60 },
      afterLease: { script: "true", timeout: 200 },
    };
    await using exporter = await startExporter(place, {
      config: { hooks },
      env: { NOTIFY_SOCKET: place.path("notify"), WATCHDOG_USEC: "400000" },
    });
    await socket.see("STATUS", "The beforeLease hook is running");
    await socket.see("WATCHDOG", "1");
    assert.deepEqual(socket.said(), ["STATUS=The beforeLease hook is running EXTEND_TIMEOUT_USEC=90000000"]);
    await place.write("go", "");
    await socket.see("READY", "1");
    await exporter.ready();
    const { code, stderr } = await exporter.program.stop();
    assert.equal(code, 0, stderr);
    await socket.see("STATUS", "The exporter has stopped");
    assert.deepEqual(socket.said().slice(1), [
      "STATUS=Ready for commands",
      "READY=1",
      "STOPPING=1",
      "STATUS=The afterLease hook is running EXTEND_TIMEOUT_USEC=230000000",
      "STATUS=The exporter has stopped",
    ]);
    assert.doesNotMatch(await Deno.readTextFile(env), /NOTIFY_SOCKET|WATCHDOG/, "it is for the exporter alone");
  },
);

linuxTest("the watchdog is told twice in its time, and not by a process that it is not meant for", async () => {
  await using place = await Place.open();
  using socket = new NotifySocket(place.path("notify"));
  const env = { NOTIFY_SOCKET: place.path("notify"), WATCHDOG_USEC: "200000" };
  await using exporter = await startExporter(place, { env });
  await exporter.ready();
  const beats = () => socket.messages.filter((fields) => fields.has("WATCHDOG")).length;
  await until("it is told several times", () => {
    socket.said();
    return beats() >= 5;
  });
  await exporter.program.stop();
  socket.said();
  socket.messages.length = 0;
  await using other = await startExporter(place, { env: { ...env, WATCHDOG_PID: "1" } });
  await other.ready();
  await other.program.stop();
  await socket.see("STATUS", "The exporter has stopped");
  assert.equal(beats(), 0);
});

linuxTest("a socket without a file is reached as well", async () => {
  await using place = await Place.open();
  const name = `@jmp-test-${crypto.randomUUID()}`;
  using socket = new NotifySocket(name);
  await using exporter = await startExporter(place, { env: { NOTIFY_SOCKET: name } });
  await socket.see("READY", "1");
  assert.equal((await exporter.program.stop()).code, 0);
  await socket.see("STOPPING", "1");
});

linuxTest(
  "a beforeLease that fails and ends the exporter is never told as ready; one that is tried again is",
  async () => {
    for (const onFailure of ["exit", "endLease"] as const) {
      await using place = await Place.open();
      using socket = new NotifySocket(place.path("notify"));
      const hooks = { beforeLease: { script: "exit 3", onFailure } };
      const env = { NOTIFY_SOCKET: place.path("notify") };
      await using exporter = await startExporter(place, { config: { hooks }, env });
      await socket.see("STATUS", "beforeLease hook failed with exit code 3");
      if (onFailure === "endLease") await socket.see("READY", "1");
      else await socket.see("STOPPING", "1");
      await exporter.program.stop();
      assert.equal(socket.said().includes("READY=1"), onFailure === "endLease");
    }
  },
);

linuxTest("the unit of the examples starts an exporter that is told as ready", async () => {
  await using place = await Place.open();
  using socket = new NotifySocket(place.path("notify"));
  const unit = (await Deno.readTextFile(join(repository, "examples", "jumpstarter-exporter.service"))).replace(
    /\\\n/g,
    "",
  );
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? assert.fail(unit);
  const folders: Record<string, string> = {
    d: place.path("credentials"),
    S: place.path("state"),
    t: place.path("run"),
  };
  for (const folder of Object.values(folders)) {
    await Deno.mkdir(join(folder, "jumpstarter"), { recursive: true, mode: 0o700 });
  }
  await place.write("credentials/passphrase", "open sesame\n", 0o400);
  await writeConfig(place, {}, "my-bench.yaml");
  await Deno.mkdir(place.path("home/.config/jumpstarter/exporters"), { recursive: true });
  await Deno.rename(place.path("my-bench.yaml"), place.path("home/.config/jumpstarter/exporters/my-bench.yaml"));
  const [program, ...args] = line.trim().split(/\s+/).map((word) =>
    word === "19090" ? "127.0.0.1:0" : word.replace(/%(\w)/g, (_all, letter) => folders[letter] ?? "")
  );
  assert.equal(program, "/usr/local/bin/jmp");
  await using exporter = startJmp(place, args, { env: { NOTIFY_SOCKET: place.path("notify") } });
  await exporter.seeErr("Ready: ");
  await socket.see("READY", "1");
  const { code, stderr } = await exporter.stop();
  assert.equal(code, 0, stderr);
});

Deno.test("a service manager that does not listen is no reason not to serve", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { env: { NOTIFY_SOCKET: place.path("nobody") } });
  await exporter.ready();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/WARNING systemd/g)?.length, 1, stderr);
});

/** How soon the second signal has to be sent. What comes within 300 ms is one stop, so there is time to notice it. */
const soonMs = 100;

Deno.test("the same signal twice at once is one stop: afterLease runs to its end", async () => {
  await using place = await Place.open();
  const hooks = { afterLease: { script: `echo tidying; ${waitsFor(place.path("go"))}; echo tidied` } };
  const deadline = performance.now() + 30_000;
  for (let isSoon = false; !isSoon;) {
    await using exporter = await startExporter(place, { config: { hooks } });
    await exporter.ready();
    const startedAt = performance.now();
    exporter.program.signal("SIGTERM");
    await exporter.program.seeErr("Stopping (SIGTERM)"); // or the system makes one of the two
    exporter.program.signal("SIGTERM");
    isSoon = performance.now() - startedAt < soonMs;
    assert.ok(isSoon || performance.now() < deadline, `no two signals within ${soonMs} ms: this machine is too busy`);
    if (!isSoon) continue;
    await exporter.program.seeErr("tidying");
    // Whoever answers this has seen to the signal before it.
    await using _client = await connect(exporter.address, { insecure: true, readyTimeoutMs: 0 });
    await place.write("go", "");
    const { code, stderr } = await exporter.program.ended();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\[afterLease\] tidied\n/);
  }
});

Deno.test("a service manager that signals the whole group stops the exporter in order, with its drivers' children", async () => {
  await using place = await Place.open();
  const script = "jumpstarter_driver_shell.driver.Shell";
  const config = {
    export: { tools: { type: script, config: { methods: { endless: "echo begun; exec sleep 4717" } } } },
    hooks: { afterLease: { script: "echo tidied" } },
  };
  await using exporter = await startExporter(place, { config });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "j", "tools", "endless"]);
  await client.seeOut("begun\n");
  Deno.kill(-exporter.program.pid, "SIGTERM");
  const { code, stderr } = await exporter.program.ended();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[afterLease\] tidied\n[^]*Stopped\n$/);
  await client.ended();
  assert.deepEqual(await place.leftProcesses(), []);
});

linuxTest("an exporter is one process, so its main process is the one that works", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: { hooks: { beforeLease: { script: "true" } } } });
  await exporter.ready();
  assert.deepEqual([...(await place.processes()).keys()], [exporter.program.pid]);
});
