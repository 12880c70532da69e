/** `jmp status`, against exporters in different states. */
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { Listener } from "../../src/listener.ts";
import { Logger } from "../../src/log.ts";
import { formatAddress } from "../../src/address.ts";
import { bindService, serve } from "../../src/rpc/mod.ts";
import { boundServices } from "../../src/rpc/bench_test.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";
import project from "../../deno.json" with { type: "json" };

const power = { type: "jumpstarter_driver_power.driver.MockPower" };
const gadget = `export const gadget = {
  type: "acme.Gadget", client: "acme.GadgetClient", summary: "A switch", methods: {},
  start() { throw new Error("no board at /dev/ttyUSB7"); },
};
`;

/** The words of `jmp status` for an exporter. */
const statusWords = (shell: readonly string[]) => ["status", ...shell.slice(1)];

Deno.test("jmp status --json tells all that there is to know, and no secret", async () => {
  await using place = await Place.open();
  await place.write("gadget.ts", gadget);
  const config = { export: { bench: { children: { power } }, relay: { type: "./gadget.ts#gadget" } } };
  const args = ["--passphrase", "open-sesame-7"];
  await using exporter = await startExporter(place, { config, args });
  await exporter.ready();
  const options = [...exporter.shell, ...args];
  await using shell = await openShell(place, [...options, "--exclusive"]);
  const { code, stdout, stderr } = await runJmp(place, [...statusWords(options), "--json"]);
  assert.equal(code, 0, stderr);
  const status = JSON.parse(stdout);
  assert.deepEqual(Object.keys(status), [
    "address",
    "name",
    "state",
    "message",
    "holder",
    "waiting",
    "clients",
    "uses",
    "drivers",
    "exclusive",
    "version",
    "startedAt",
    "clientVersion",
  ]);
  assert.deepEqual(
    [status.address, status.name, status.state, status.message],
    [exporter.address, "bench", "LEASE_READY", "Ready for commands"],
  );
  assert.match(status.holder.address, /^127\.0\.0\.1:\d+$/);
  assert.ok(Date.now() - Date.parse(status.holder.since) < 60_000);
  assert.equal(status.waiting, 0);
  assert.ok(status.clients.some(({ address }: { address: string }) => address === status.holder.address));
  assert.deepEqual(status.drivers, [
    { path: "bench", class: "jumpstarter_driver_composite.client.CompositeClient", broken: null },
    { path: "bench.power", class: "jumpstarter_driver_power.client.PowerClient", broken: null },
    { path: "relay", class: "acme.GadgetClient", broken: "no board at /dev/ttyUSB7" },
  ]);
  assert.deepEqual([status.version, status.clientVersion], [project.version, project.version]);
  assert.ok(Date.now() - Date.parse(status.startedAt) < 60_000);
  for (const secret of ["open-sesame-7", shell.env("either").JMP_HOLD ?? assert.fail("no key")]) {
    assert.ok(!stdout.includes(secret));
  }
});

Deno.test("jmp status is readable, in a hook and without anybody there, and begins no session", async () => {
  await using place = await Place.open();
  const beforeLease = { script: "echo begun; sleep 3132", timeout: 3600 };
  await using exporter = await startExporter(place, { config: { hooks: { scope: "session", beforeLease } } });
  await exporter.ready();
  const { code, stdout, stderr } = await runJmp(place, statusWords(exporter.shell));
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^bench: \w+ \(.*\)\n {2}version \S+, up \d+ s\n {2}connected: 127\.0\.0\.1:\d+ since \S+Z\n {2}driver power {2}\S+PowerClient\n$/,
  );
  assert.doesNotMatch(exporter.program.stderr, /begun/);
});

Deno.test("jmp status --watch tells what changes when it does, also over a restart of the exporter", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const first = await startExporter(place, { listener });
  await first.ready();
  await using watch = startJmp(place, [...statusWords(first.shell), "--watch"]);
  await watch.seeOut("driver power");
  {
    await using shell = await openShell(place, [...first.shell, "--exclusive"]);
    await watch.seeOut(/\d\d:\d\d:\d\d \+ held by (\S+ from )?127\.0\.0\.1:\d+ since \S+Z\n/);
    await shell.program.closeInput();
    await shell.program.ended();
    await watch.seeOut(/\d\d:\d\d:\d\d - held by /);
  }
  await first.program.stop("SIGKILL");
  await first[Symbol.asyncDispose]();
  await watch.seeErr(`Reconnecting to ${listener}`);
  await using _second = await startExporter(place, { listener });
  await watch.seeOut(/- connected: [^\n]*\n(?:.*\n)*.*\+ connected: /);
});

Deno.test("jmp status --watch leaves an exporter alone for a while that lets nobody follow it, as one that stops", async () => {
  const times: number[] = [];
  const third = Promise.withResolvers<void>();
  const unused = () => assert.fail("nobody asks for this");
  const direct = bindService(pb.DirectService, {
    getInfo: unused,
    hold: unused,
    followInfo() {
      times.push(performance.now());
      if (times.length === 3) third.resolve();
      throw new JumpstarterError("unavailable", "The exporter is stopping");
    },
  });
  await using server = serve({
    listener: await Listener.open({ kind: "tcp", host: "127.0.0.1", port: 0 }),
    services: [...boundServices({ exporter: { getReport: () => ({ labels: {}, reports: [] }) } }), direct],
    log: new Logger(() => {}),
  });
  await using place = await Place.open();
  const words = ["status", "--tls-grpc", formatAddress(server.address), "--tls-grpc-insecure", "--watch"];
  await using _watch = startJmp(place, words);
  await third.promise;
  const [first = 0, , last = 0] = times;
  assert.ok(last - first > 900, `asked again after ${times}`);
});
