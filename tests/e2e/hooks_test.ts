/** The hooks around a session: when they run, who waits for them, and how they end. */
import assert from "node:assert/strict";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect, JumpstarterError } from "../../mod.ts";
import * as pb from "../../proto/mod.ts";
import { openChannel } from "../../src/client/mod.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";
import { until } from "../fixtures/until.ts";

/** A script that says that it runs, and then waits until the test makes a file. */
function waitsFor(file: string, says: string): string {
  return `echo "${says}"\nuntil [ -e "${file}" ]; do sleep 0.02; done`;
}

/** The gRPC status FAILED_PRECONDITION. */
const failedPrecondition = 9;

/** Calls a driver without waiting, as an impatient client does, and looks that it is turned away. */
async function isRefused(address: string, because: RegExp): Promise<void> {
  await using exporter = await connect(address, { insecure: true, readyTimeoutMs: 0 });
  const power = exporter.driver("power", PowerClient);
  const isNotReady = (error: unknown) => {
    assert.ok(error instanceof JumpstarterError);
    assert.equal(error.code, "not_ready");
    assert.equal(Reflect.get(Object(error.cause), "code"), failedPrecondition);
    assert.match(error.message, because);
    return true;
  };
  await assert.rejects(power.on(), isNotReady);
  await assert.rejects(Array.fromAsync(power.read()), isNotReady);
}

Deno.test("a client that comes before beforeLease is done waits, says so, and sees the hook's lines", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const script = `${waitsFor(go, "preparing the bench")}\nj power on\necho "the bench is prepared"`;
  await using exporter = await startExporter(place, { config: { hooks: { beforeLease: { script } } } });
  await using early = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo served"]);
  await early.seeErr("Waiting for the exporter: The beforeLease hook is running\n");
  await early.seeErr("[beforeLease] preparing the bench\n");
  await isRefused(exporter.address, /BEFORE_LEASE_HOOK.*The beforeLease hook is running/);
  assert.equal(early.stdout, "", "its command must not run yet");
  assert.doesNotMatch(exporter.program.stderr, /Ready: /);

  await place.write("go", "");
  const { code, stdout, stderr } = await early.ended();
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "served\n" });
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("Waiting"));
  assert.deepEqual(lines, ["[beforeLease] preparing the bench", "[beforeLease] the bench is prepared"]);
  await exporter.ready();
  const order = [/preparing the bench/, /power on/, /the bench is prepared/, /beforeLease hook succeeded/, /Ready: /];
  const places = order.map((pattern) => exporter.program.stderr.search(pattern));
  assert.deepEqual(places, places.toSorted((a, b) => a - b), exporter.program.stderr);

  // Who comes later is told the same, and need not wait.
  await using late = startJmp(place, [...exporter.shell, "--", "true"]);
  const ended = await late.ended();
  assert.equal(ended.stderr, "[beforeLease] preparing the bench\n[beforeLease] the bench is prepared\n");
  assert.equal(exporter.program.stderr.match(/preparing the bench/g)?.length, 1, "it runs once");
});

Deno.test("the status says LEASE_READY once beforeLease is done", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const hooks = { beforeLease: { script: waitsFor(go, "waiting") } };
  await using exporter = await startExporter(place, { config: { hooks } });
  const seen: string[] = [];
  const connected = connect(exporter.address, { insecure: true, onStatus: ({ status }) => seen.push(status) });
  await exporter.program.seeErr("waiting");
  using channel = openChannel(exporter.address, { insecure: true });
  const status = () => channel.unary(pb.ExporterService.method.getStatus, {});
  const during = await status();
  assert.equal(during.status, pb.ExporterStatus.BEFORE_LEASE_HOOK);
  await until("the client is told", () => seen.length > 0);
  await place.write("go", "");
  await using client = await connected;
  assert.deepEqual(seen, ["BEFORE_LEASE_HOOK"], "each status is told once");
  const after = await status();
  assert.deepEqual([after.status, after.message], [pb.ExporterStatus.LEASE_READY, "Ready for commands"]);
  assert.equal(after.previousStatus, during.status);
  assert.equal(after.statusVersion, during.statusVersion + 1n);
  await client.driver("power", PowerClient).on();
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} runs afterLease, and then the exporter ends with 0`, async () => {
    await using place = await Place.open();
    const go = place.path("go");
    const script = `${waitsFor(go, "tidying up")}\nj power off\necho "all is tidy"`;
    await using exporter = await startExporter(place, { config: { hooks: { afterLease: { script } } } });
    await exporter.ready();
    await using client = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo in; sleep 3124"]);
    await client.seeOut("in\n");
    exporter.program.signal(signal);
    await exporter.program.seeErr(`Stopping (${signal}); a second signal stops at once\n`);
    await exporter.program.seeErr("[afterLease] tidying up\n");
    await client.seeErr("[afterLease] tidying up\n");
    await isRefused(exporter.address, /AFTER_LEASE_HOOK/);

    await place.write("go", "");
    const { code, stderr } = await exporter.program.ended();
    assert.equal(code, 0);
    const order = [/tidying up/, /power off/, /all is tidy/, /afterLease hook succeeded/, /Stopped\n$/];
    const places = order.map((pattern) => stderr.search(pattern));
    assert.ok(!places.includes(-1), stderr);
    assert.deepEqual(places, places.toSorted((a, b) => a - b), stderr);
    await client.stop();
    assert.deepEqual(await place.leftFiles(), []);
    assert.deepEqual(await place.leftProcesses(), []);
  });
}

Deno.test("a second signal ends a long afterLease and what it has started", async () => {
  await using place = await Place.open();
  const hooks = { afterLease: { script: "echo begun\nsleep 3125 & sleep 3125", timeout: 3600 } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  exporter.program.signal("SIGTERM");
  await exporter.program.seeErr("[afterLease] begun\n");
  const { code, stderr } = await exporter.program.stop("SIGINT");
  assert.equal(code, 0);
  assert.match(stderr, /afterLease hook was interrupted and stopped/);
  assert.deepEqual(await place.leftProcesses(), []);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("a signal during beforeLease ends that hook, and afterLease still runs", async () => {
  await using place = await Place.open();
  const hooks = {
    beforeLease: { script: "echo begun\nsleep 3126", timeout: 3600 },
    afterLease: { script: "echo tidied after: $JMP_BEFORE_LEASE" },
  };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.program.seeErr("[beforeLease] begun\n");
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0);
  assert.match(stderr, /beforeLease hook was interrupted and stopped\n/);
  assert.match(stderr, /\[afterLease\] tidied after: interrupted\n/);
  assert.deepEqual(await place.leftProcesses(), []);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("a beforeLease that fails and may is a warning, and the client goes on", async () => {
  await using place = await Place.open();
  const hooks = { beforeLease: { script: "echo no such bench >&2; exit 3" } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "j", "power", "on"]);
  const { code, stderr } = await client.ended();
  assert.equal(code, 0);
  const lines = stderr.trimEnd().split("\n").toSorted();
  assert.deepEqual(lines, ["Warning: beforeLease hook failed with exit code 3", "[beforeLease] no such bench"]);
  assert.equal((await exporter.program.stop()).code, 0);
});

Deno.test("a beforeLease that ends the lease is run again for the next client", async () => {
  await using place = await Place.open();
  const repaired = place.path("repaired");
  const hooks = {
    beforeLease: { script: `[ -e "${repaired}" ] || { echo broken; exit 1; }`, onFailure: "endLease" as const },
    afterLease: { script: "echo must not run" },
  };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.program.seeErr("beforeLease hook failed with exit code 1");
  await using first = startJmp(place, [...exporter.shell, "--", "true"]);
  const { code, stderr } = await first.ended();
  assert.equal(code, 6, stderr);
  assert.match(stderr, /jmp: beforeLease hook failed with exit code 1\n {2}its last line was: broken\n$/);
  assert.doesNotMatch(exporter.program.stderr, /must not run/);

  await place.write("repaired", "");
  for (let left = 20; left > 0; left--) {
    await using next = startJmp(place, [...exporter.shell, "--", "j", "power", "on"]);
    if ((await next.ended()).code === 0) return;
  }
  assert.fail(`it was never ready:\n${exporter.program.stderr}`);
});

/** The lines of a hook in the log of its exporter. */
const hookLines = (log: string, name: string) =>
  [...log.matchAll(new RegExp(`\\[${name}\\] (.*)`, "g"))].map((it) => it[1]);

Deno.test("a shell in a hook has the devices at once, and shows none of the hook's lines again", async () => {
  await using place = await Place.open();
  const script = `echo begun
    jmp shell --tls-grpc "$JUMPSTARTER_HOST" --exporter-logs -- sh -c "j power on && echo served"
    echo done`;
  const hooks = { beforeLease: { script, onFailure: "exit" as const }, afterLease: { script } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0);
  for (const name of ["beforeLease", "afterLease"]) {
    const lines = hookLines(stderr, name);
    assert.deepEqual(lines.filter((line) => !/^\d\d:\d\d:\d\d /.test(line ?? "")), ["begun", "served", "done"], stderr);
    assert.ok(lines.some((line) => line?.includes("[MockPower] power on")), "the device's lines are shown");
  }
});

Deno.test("a log that comes back to a hook by the exporter's own address does not feed itself", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const script =
    `echo begun; jmp shell --tls-grpc ${listener} --tls-grpc-insecure --ready-timeout 1s -- true; echo done`;
  await using exporter = await startExporter(place, { listener, config: { hooks: { beforeLease: { script } } } });
  await exporter.ready();
  const lines = hookLines(exporter.program.stderr, "beforeLease");
  assert.deepEqual([lines[0], lines[1], lines.at(-1)], ["begun", "[beforeLease] begun", "done"]);
  assert.ok(!lines.some((line) => line?.includes("[beforeLease] [beforeLease]")), "nothing is shown a second time");
});

Deno.test("a hook that takes too long is stopped, with all that it started", async () => {
  await using place = await Place.open();
  const hooks = { beforeLease: { script: "sleep 3127 & sleep 3127", timeout: 1 } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.program.seeErr("beforeLease hook timed out after 1 s and was stopped");
  await exporter.ready();
  assert.deepEqual(await place.leftProcesses("sleep"), []);
});

Deno.test("10,000 lines of a hook reach stderr and each client complete and in order, be it early or late", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const script = `${waitsFor(go, "waits")}; i=0; while [ $i -lt 10000 ]; do i=$((i+1)); echo "line $i ü"; done`;
  await using exporter = await startExporter(place, { config: { hooks: { beforeLease: { script } } } });
  await exporter.program.seeErr("[beforeLease] waits");
  await using early = startJmp(place, [...exporter.shell, "--", "true"]);
  await early.seeErr("[beforeLease] waits\n");
  await place.write("go", "");
  const seenEarly = await early.ended();
  await exporter.ready();
  await using late = startJmp(place, [...exporter.shell, "--", "true"]);
  const seenLate = await late.ended();
  const wanted = Array.from({ length: 10_000 }, (_, index) => `line ${index + 1} ü`);
  for (const text of [seenEarly.stderr, seenLate.stderr, (await exporter.program.stop()).stderr]) {
    const lines = text.split("\n").map((line) => /\[beforeLease\] (line .*)$/.exec(line)?.[1]).filter((line) => line);
    assert.deepEqual(lines, wanted);
  }
});
