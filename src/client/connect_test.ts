import assert from "node:assert/strict";
import { composite } from "../../drivers/composite/mod.ts";
import * as pb from "../../proto/mod.ts";
import { DriverClient, type DriverPackage } from "../driver/mod.ts";
import { type ErrorCode, JumpstarterError } from "../errors.ts";
import { boundServices, freePort, type TestHandlers } from "../rpc/bench_test.ts";
import { bindService, toValue } from "../rpc/mod.ts";
import { type Bench, openBench } from "../rpc/bench_test.ts";
import { connectWith } from "./connect.ts";

const compositeLabel = { "jumpstarter.dev/client": "jumpstarter_driver_composite.client.CompositeClient" };
const named = (name: string, client: string) => ({ "jumpstarter.dev/name": name, "jumpstarter.dev/client": client });

const report = {
  uuid: "e",
  labels: { "jumpstarter.dev/name": "bench", room: "7" },
  motd: "be gentle",
  reports: [
    { uuid: "r", labels: compositeLabel },
    { uuid: "g", parentUuid: "r", labels: { ...compositeLabel, "jumpstarter.dev/name": "rack" } },
    { uuid: "p", parentUuid: "g", labels: named("power", "acme.Power") },
  ],
};

const ready: TestHandlers = {
  exporter: { getStatus: () => ({ status: pb.ExporterStatus.LEASE_READY }), getReport: () => report },
};
const packages: readonly DriverPackage[] = [composite];

async function serveReport(more: TestHandlers["exporter"] = {}): Promise<Bench> {
  return await openBench({ exporter: { ...ready.exporter, ...more } });
}

async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<JumpstarterError> {
  const error: unknown = await promise.then(() => assert.fail(`expected ${code}`), (error) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, code, error.message);
  return error;
}

Deno.test("a connection knows its exporter's name, labels, message and drivers", async () => {
  await using bench = await serveReport();
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true });
  assert.deepEqual([exporter.name, exporter.labels.room, exporter.motd], ["bench", "7", "be gentle"]);
  assert.deepEqual(exporter.root.children.map(({ name }) => name), ["rack"]);
});

Deno.test("an exporter that tells neither name nor message is no failure", async () => {
  await using bench = await serveReport({ getReport: () => ({ reports: report.reports }) });
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true });
  assert.deepEqual([exporter.name, exporter.motd], ["", ""]);
});

Deno.test("a driver is found by its path; a near name is offered, and a wrong class told", async () => {
  class Other extends DriverClient {}
  await using bench = await serveReport();
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true });
  assert.equal(exporter.driver("rack.power").link.uuid, "p");
  assert.equal(exporter.driver("rack", DriverClient).link.children.get("power"), exporter.driver("rack.power"));
  const find = (path: string) => rejectsWith(Promise.resolve().then(() => exporter.driver(path)), "not_found");
  assert.match((await find("rack.pwoer")).hint ?? "", /"power"/);
  assert.match((await find("nothing.like")).hint ?? "", /rack/);
  for (const path of ["", "rack.", "rack.power.x", "constructor", "rack.__proto__"]) await find(path);
  const wrong = await rejectsWith(Promise.resolve().then(() => exporter.driver("rack.power", Other)), "unimplemented");
  assert.match(wrong.message, /"rack\.power" is no Other but a acme\.Power/);
});

Deno.test("calls carry the driver's id, the method and the arguments", async () => {
  const seen: unknown[] = [];
  await using bench = await serveReport({
    driverCall({ uuid, method, args }) {
      seen.push([uuid, method, args.length]);
      return { result: toValue([1, "two"]) };
    },
    async *streamingDriverCall({ uuid, method }) {
      seen.push([uuid, method]);
      yield { result: toValue(1) };
      yield {};
    },
  });
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true });
  const power = exporter.driver("rack.power");
  assert.deepEqual(await power.call("set", [1, null]), [1, "two"]);
  assert.deepEqual(await Array.fromAsync(power.callStream("read")), [1, null]);
  assert.deepEqual(seen, [["p", "set", 2], ["p", "read"]]);
  await rejectsWith(power.call("set", [NaN]), "invalid_argument");
});

Deno.test("an exporter is not waited for where that is not wanted", async () => {
  await using bench = await serveReport({ getStatus: () => ({ status: pb.ExporterStatus.BEFORE_LEASE_HOOK }) });
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true, readyTimeoutMs: 0 });
  assert.equal(exporter.name, "bench");
  const waiting = connectWith(packages, bench.server.address, {
    insecure: true,
    readyTimeoutMs: 30,
    connectTimeoutMs: 30_000,
  });
  await rejectsWith(waiting, "timeout");
});

Deno.test("whoever cannot be reached, or does not let us in, is told by code", async () => {
  const port = await freePort();
  await rejectsWith(connectWith(packages, `127.0.0.1:${port}`, { insecure: true }), "connect");
  await rejectsWith(connectWith(packages, "/no/such.sock"), "connect");
  await rejectsWith(connectWith(packages, "127.0.0.1:0", { insecure: true }), "usage");
  await using locked = await openBench(ready, { passphrase: "secret" });
  await rejectsWith(connectWith(packages, locked.server.address, { insecure: true }), "unauthenticated");
  await using open = await openBench(ready, { passphrase: "secret" });
  await using exporter = await connectWith(packages, open.server.address, { insecure: true, passphrase: "secret" });
  assert.equal(exporter.name, "bench");
  const given = connectWith(packages, open.server.address, { insecure: true, signal: AbortSignal.abort() });
  await rejectsWith(given, "cancelled");
});

Deno.test("a Unix socket needs no word about TLS", async () => {
  const dir = await Deno.makeTempDir();
  {
    const path = `${dir}/x.sock`;
    await using _bench = await openBench(ready, { address: { kind: "unix", path }, services: boundServices(ready) });
    await using exporter = await connectWith(packages, path);
    assert.equal(exporter.name, "bench");
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("the log comes with what is known of each line", async () => {
  await using bench = await serveReport({
    async *logStream() {
      yield { severity: "warning", message: "hot", source: pb.LogSource.DRIVER, driverType: "acme.Power" };
      yield { severity: "odd", message: "plain", source: pb.LogSource.SYSTEM };
      yield { severity: "INFO", message: "hook", source: pb.LogSource.BEFORE_LEASE_HOOK };
    },
  });
  await using exporter = await connectWith(packages, bench.server.address, { insecure: true });
  const lines = await Array.fromAsync(exporter.logs());
  assert.deepEqual(lines.map(({ severity, message, source }) => [severity, message, source]), [
    ["WARNING", "hot", "driver"],
    ["INFO", "plain", "system"],
    ["INFO", "hook", "beforeLease"],
  ]);
  assert.equal(lines[0]?.driverType, "acme.Power");
  assert.ok(lines.every(({ time }) => time instanceof Date));
});

Deno.test("a hold that is shared is no hold of one's own, and one that is gone or another's is none at all", async () => {
  const holder = { name: "ann", address: "192.0.2.7:1" };
  for (const info of [{ holder, heldForCaller: true }, { holder }, {}]) {
    let holds = 0;
    const services = [
      ...boundServices(ready),
      bindService(pb.DirectService, {
        getInfo: () => ({ version: "0", ...info }),
        async *followInfo() {},
        async *hold() {
          holds++;
          yield { state: pb.HoldState.HELD };
          await new Promise(() => {});
        },
      }),
    ];
    await using bench = await openBench({}, { services });
    const options = { insecure: true, exclusive: true, holdToken: "stale" };
    await using exporter = await connectWith(packages, bench.server.address, options);
    assert.deepEqual([holds, exporter.holdToken !== undefined], "heldForCaller" in info ? [0, false] : [1, true]);
  }
});
