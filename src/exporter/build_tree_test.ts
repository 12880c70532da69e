import assert from "node:assert/strict";
import { ConfigError, DriverError } from "../errors.ts";
import { Logger, type LogRecord } from "../log.ts";
import { context, loadText, recordingPackages } from "./bench_test.ts";
import { planDrivers, startDrivers } from "./build_tree.ts";
import { reportTree } from "./report.ts";

const plain = { type: "test.Plain" };

async function planError(entries: Record<string, unknown>): Promise<ConfigError> {
  const error: unknown = await planDrivers(loadText(entries), recordingPackages([])).catch((error) => error);
  assert.ok(error instanceof ConfigError);
  return error;
}

Deno.test("every unknown type and every wrong setting is told at its place, and nothing is started", async () => {
  const events: string[] = [];
  const loaded = loadText({
    a: { type: "test.Plane" },
    b: { type: "test.Plain", config: { speed: 3 } },
    rack: { children: { c: { type: "test.Strict", config: { port: 7, bauds: 1 } } } },
    fine: { type: "test.Strict", config: { port: "/dev/x" } },
  });
  const error: unknown = await planDrivers(loaded, recordingPackages(events)).catch((error) => error);
  assert.ok(error instanceof ConfigError);
  const found = error.problems.map(({ message, path }) => `${path.join(".")}: ${message}`);
  assert.equal(found.length, 4, found.join("\n"));
  assert.match(found[0] ?? "", /^export\.a\.type: unknown driver type "test\.Plane"/);
  assert.match(found[1] ?? "", /^export\.b\.config\.speed: unknown key "speed"/);
  assert.match(found.join("\n"), /export\.rack\.children\.c\.config\.port: /);
  assert.match(found.join("\n"), /export\.rack\.children\.c\.config\.?\S*: unknown key "bauds"/);
  assert.match(error.problems[0]?.hint ?? "", /"test\.Plain"/);
  const lines = error.message.split("\n").map((line) => Number(/^bench\.yaml:(\d+):\d+: /.exec(line)?.[1]));
  assert.ok(lines.every((line, index) => line > (lines[index - 1] ?? 0)), `in the order of the file: ${lines}`);
  assert.deepEqual(events, []);
});

Deno.test("a module that cannot be loaded, and one that has no such driver, are problems of their entry", async () => {
  const error = await planError({ own: { type: "./no_such_driver.ts#relay" }, other: { type: "node:path#join" } });
  assert.match(error.message, /cannot load the driver module "\.\/no_such_driver\.ts"/);
  assert.match(error.message, /"node:path" exports no driver named "join"/);
});

Deno.test("children start before their parents, and stop in the same order", async () => {
  const events: string[] = [];
  const loaded = loadText({
    rack: { ...plain, children: { power: plain, inner: { ...plain, children: { serial: { type: "test.Sync" } } } } },
    proxy: { ref: "rack.power" },
  });
  const packages = recordingPackages(events);
  const tree = await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, context);
  assert.deepEqual(events, ["start rack.power", "start rack.inner", "start rack"]);
  assert.equal(tree.root.children.get("proxy"), tree.root.children.get("rack")?.children.get("power"));
  assert.deepEqual([...tree.root.children.keys()], ["rack", "proxy"]);
  events.length = 0;
  await tree[Symbol.asyncDispose]();
  assert.deepEqual(events, ["stop rack.power", "stop rack.inner.serial", "stop rack.inner", "stop rack"]);
});

Deno.test("a required driver that cannot start is named, and those that had started are stopped", async () => {
  const events: string[] = [];
  const bad = { type: "test.Broken", required: true };
  const loaded = loadText({ a: plain, rack: { children: { b: plain, bad } }, never: plain });
  const packages = recordingPackages(events);
  const plan = await planDrivers(loaded, packages);
  const error: unknown = await startDrivers(loaded.config, plan, packages, context).catch((error) => error);
  assert.ok(error instanceof DriverError);
  assert.match(error.message, /cannot start the driver "rack\.bad" \(test\.Broken\): no such device/i);
  assert.deepEqual([error.driver, error.hint], ["rack.bad", "plug it in"]);
  assert.deepEqual(events, ["start a", "start rack.b", "stop a", "stop rack.b"]);
});

Deno.test("one driver that cannot stop keeps no other from stopping", async () => {
  const events: string[] = [], records: LogRecord[] = [];
  const loaded = loadText({ first: plain, stuck: { type: "test.Stubborn" }, last: plain });
  const packages = recordingPackages(events);
  const log = new Logger((record) => records.push(record));
  const tree = await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, { ...context, log });
  await tree[Symbol.asyncDispose]();
  assert.deepEqual(events.slice(2), ["stop first", "stop stuck", "stop last"]);
  assert.match(records.at(-1)?.message ?? "", /cannot stop the driver "stuck": the plug is stuck/i);
});

Deno.test("a reference through a reference leads to the driver itself", async () => {
  const loaded = loadText({
    far: { ref: "group.near" },
    group: { children: { near: { ref: "deep.rack" } } },
    deep: { children: { rack: { children: { power: plain } } } },
  });
  const packages = recordingPackages([]);
  await using tree = await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, context);
  const { children } = tree.root;
  const rack = children.get("deep")?.children.get("rack");
  assert.ok(rack !== undefined);
  assert.equal(children.get("far"), rack);
  assert.equal(children.get("group")?.children.get("near"), rack);
});

Deno.test("names that mean something to JavaScript are names", async () => {
  const entries = Object.fromEntries(["constructor", "toString", "hasOwnProperty"].map((name) => [name, plain]));
  const loaded = loadText(entries);
  const packages = recordingPackages([]);
  await using tree = await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, context);
  assert.deepEqual([...tree.root.children.keys()], Object.keys(entries));
});

Deno.test("one that cannot start keeps no other from running, nor its parent, and says why it does not", async () => {
  const events: string[] = [], records: LogRecord[] = [];
  const bad = { type: "test.Broken", description: "the relay" };
  const loaded = loadText({ rack: { ...plain, children: { bad } }, second: { ref: "rack.bad" }, last: plain });
  const packages = recordingPackages(events);
  const log = new Logger((record) => records.push(record));
  await using tree = await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, {
    ...context,
    log,
  });
  assert.deepEqual(events, ["start rack", "start last"]);
  const { children } = tree.root;
  const broken = children.get("second") ?? assert.fail();
  assert.equal(broken, children.get("rack")?.children.get("bad"));
  assert.equal(broken.fault, "no such device");
  assert.throws(() => broken.device, {
    name: "DriverError",
    code: "driver",
    message: /"rack\.bad" does not run.*: no such/,
  });
  assert.equal(children.get("rack")?.fault, undefined);
  const line = 'Cannot start the driver "rack.bad" (test.Broken): no such device (plug it in); it is tried again';
  assert.deepEqual(records.map(({ severity, message }) => `${severity} ${message}`), [`ERROR ${line}`]);
  const report = [...reportTree(tree.root)].find(({ uuid }) => uuid === broken.uuid);
  assert.equal(report?.labels["jumpstarter.dev/broken"], "no such device");
  assert.equal(report?.description, "broken: no such device (the relay)");
});
