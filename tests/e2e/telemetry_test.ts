/** `jmp run` with somebody who watches over it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openChannel, openExporter } from "../../src/client/mod.ts";
import { exitCodes } from "../../src/exit_codes.ts";
import { makeAuthority } from "../fixtures/certificate.ts";
import { exampleConfig, startExporter } from "../fixtures/exporter.ts";
import { parseExposition, type Samples } from "../fixtures/exposition.ts";
import { until } from "../fixtures/until.ts";
import { Place, repository } from "../fixtures/place.ts";
import { Program, runJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";

/** Where the program says that it answers. */
async function httpOf(program: Program): Promise<string> {
  const [, url = ""] = await program.seeErr(/Health and metrics at (http:\/\/127\.0\.0\.1:\d+)\n/);
  return url;
}

async function get(url: string): Promise<{ status: number; body: string; type: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text(), type: response.headers.get("content-type") ?? "" };
}

async function samplesOf(url: string): Promise<Samples> {
  return parseExposition((await get(`${url}/metrics`)).body);
}

Deno.test("--http answers for health, readiness and metrics, and for nothing else", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const beforeLease = { script: `echo begun; until [ -e '${go}' ]; do sleep 0.05; done; j power on`, timeout: 600 };
  await using exporter = await startExporter(place, { config: { hooks: { beforeLease } }, args: ["--http", "0"] });
  const url = await httpOf(exporter.program);
  await exporter.program.seeErr("begun");
  assert.deepEqual(await get(`${url}/healthz`), { status: 200, body: "ok\n", type: "text/plain; charset=utf-8" });
  const early = await get(`${url}/readyz`);
  assert.deepEqual([early.status, early.body], [503, "BEFORE_LEASE_HOOK: The beforeLease hook is running\n"]);
  await Deno.writeTextFile(go, "");
  await exporter.ready();
  const ready = await get(`${url}/readyz`);
  assert.deepEqual([ready.status, ready.body], [200, "LEASE_READY: Ready for commands\n"]);
  for (const path of ["/", "/metrics/", "/../etc/passwd"]) assert.equal((await get(`${url}${path}`)).status, 404);
  const post = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  await post.body?.cancel();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  const done = await shell.runJ("its agent", ["power", "off"]);
  assert.equal(done.code, 0, done.stderr);
  const unknown = await shell.runJ("its agent", ["call", "power", "no_such_method"]);
  assert.equal(unknown.code, exitCodes.driver);
  const refused = await runJmp(place, ["j", "power", "on"], { env: exporter.env });
  assert.equal(refused.code, exitCodes.busy);
  assert.match((await get(`${url}/metrics`)).type, /^text\/plain; version=0\.0\.4/);
  const samples = await samplesOf(url);
  const calls = (method: string, code: string) =>
    samples.get(`jumpstarter_driver_calls_total{code="${code}",driver="power",kind="call",method="${method}"}`);
  assert.deepEqual(
    [calls("off", "ok"), calls("on", "ok"), calls("on", "busy"), calls("?", "not_found")],
    [1, 1, 1, 1],
  );
  assert.equal(samples.get('jumpstarter_hooks_total{hook="beforeLease",result="ok"}'), 1);
  assert.equal(samples.get("jumpstarter_devices_held{}"), 1);
  assert.ok((samples.get("jumpstarter_connections_open{}") ?? 0) >= 1);
  await shell.program.closeInput();
  await shell.program.ended();
  await until("all clients are gone", async () => (await samplesOf(url)).get("jumpstarter_connections_open{}") === 0);
  assert.equal((await samplesOf(url)).get("jumpstarter_devices_held{}"), 0);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
});

Deno.test("an address for HTTP that is in use ends the program before anything is served", async () => {
  await using place = await Place.open();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using first = await startExporter(place);
  const config = place.path("exporter.yaml");
  const listener = ["--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  const args = ["run", "--exporter-config", config, ...listener, "--http", `${taken.addr.port}`];
  const { code, stderr } = await runJmp(place, args);
  assert.equal(code, exitCodes.listen, stderr);
  assert.match(stderr, /Cannot listen for HTTP on 127\.0\.0\.1:\d+: the address is in use/);
  void first;
});

Deno.test("--audit-log has a line for each connection, call and hold, under least privilege, and no secret", async () => {
  await using place = await Place.open();
  const file = place.path("audit.log");
  const args = ["--audit-log", file, "--http", "127.0.0.1:0", "--least-privilege", "--passphrase", "open-sesame-7"];
  await using exporter = await startExporter(place, { args });
  await exporter.ready();
  await httpOf(exporter.program);
  const options = [...exporter.shell, "--passphrase", "open-sesame-7"];
  const run = await runJmp(place, [...options, "--exclusive", "--", "j", "call", "power", "on"]);
  assert.equal(run.code, 0, run.stderr);
  const text = async () => (await Deno.readTextFile(file)).trimEnd();
  await until("both connections have ended", async () => (await text()).split('"disconnected"').length >= 3);
  const { code } = await exporter.program.stop();
  assert.equal(code, 0);
  const lines = (await text()).split("\n").map((line) => JSON.parse(line));
  const call = lines.find(({ event }) => event === "call");
  assert.deepEqual(Object.keys(call), [
    "time",
    "event",
    "identity",
    "address",
    "hook",
    "driver",
    "method",
    "code",
    "durationMs",
  ]);
  assert.deepEqual([call.driver, call.method, call.code, call.hook], ["power", "on", "ok", false]);
  assert.ok(lines.some(({ event, address }) => event === "connected" && address === call.address));
  const holds = lines.filter(({ event }) => event === "held" || event === "released").map(({ event }) => event);
  assert.deepEqual(holds, ["held", "released"]);
  assert.doesNotMatch(await text(), /open-sesame/);
  assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("an exporter that stops writes the end of what is under way, and closes the file in peace", async () => {
  await using place = await Place.open();
  const file = place.path("audit.log");
  await using exporter = await startExporter(place, { args: ["--audit-log", file] });
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  await using reading = shell.startJ("its agent", ["power", "read", "-n", "1000", "-i", "0.05"]);
  await reading.seeOut("W\n");
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /audit log/);
  const events = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) => JSON.parse(line).event);
  const count = (wanted: string) => events.filter((event) => event === wanted).length;
  assert.deepEqual([count("held"), count("disconnected")], [count("released"), count("connected")]);
  assert.ok(count("connected") >= 2);
});

Deno.test("jmp permissions shows what watching takes, and nothing of it where nobody watches", async () => {
  await using place = await Place.open();
  const words = ["permissions", "--exporter-config", exampleConfig, "--tls-grpc-listener", "19090"];
  const plain = await runJmp(place, [...words, "--tls-grpc-insecure"]);
  assert.doesNotMatch(plain.stdout, /HTTP|audit/);
  const watched = await runJmp(place, [...words, "--tls-grpc-insecure", "--http", "9100", "--audit-log", "/var/log/x"]);
  assert.match(watched.stdout, /^HTTP +--allow-net=127\.0\.0\.1:9100$/m);
  assert.match(watched.stdout, /^audit log +--allow-write=\/var\/log\/x$/m);
});

Deno.test("--audit-log - writes to standard output", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { args: ["--audit-log", "-"] });
  await exporter.ready();
  await runJmp(place, ["j", "power", "on"], { env: exporter.env });
  await exporter.program.seeOut(/^\{"time":"[^"]+","event":"call",.*"method":"on","code":"ok"/m);
});

/** A span, as far as the tests look at it. */
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { key: string; value: unknown }[];
}

/** Takes the spans of programs that are started with `env`. */
function collectSpans() {
  const spans: Span[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    if (!request.url.endsWith("/v1/traces")) return new Response();
    const { resourceSpans } = JSON.parse(new TextDecoder().decode(body));
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    return new Response();
  });
  const env = {
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    OTEL_BSP_SCHEDULE_DELAY: "100",
  };
  return {
    env,
    /** Waits for so many that have these facts; answers them in their order. */
    async see(wanted: Partial<Span>, count = 1): Promise<Span[]> {
      const facts = Object.entries(wanted);
      const found = () => spans.filter((span) => facts.every(([key, value]) => Reflect.get(span, key) === value));
      await until(`spans have come: ${JSON.stringify(wanted)}`, () => found().length >= count);
      return found();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("spans go to whatever OpenTelemetry of Deno's exports them to", async () => {
  await using place = await Place.open();
  await using collector = collectSpans();
  await using exporter = await startExporter(place, { env: collector.env });
  await exporter.ready();
  const { code } = await runJmp(place, ["j", "power", "on"], { env: exporter.env });
  assert.equal(code, 0);
  const [span] = await collector.see({ name: "power.on" });
  assert.deepEqual(span?.attributes.find(({ key }) => key === "jumpstarter.code")?.value, { stringValue: "ok" });
  assert.ok(!span?.parentSpanId, "nobody has asked for it in a span");
});

Deno.test("the span of a call belongs to that of the client in which it was made", async () => {
  await using place = await Place.open();
  await using collector = collectSpans();
  await using exporter = await startExporter(place, { env: collector.env });
  await exporter.ready();
  const client = [Deno.execPath(), "run", "-A", join(repository, "tests/fixtures/traced_client.ts"), exporter.address];
  for (const env of [collector.env, {}]) {
    await using program = new Program(place, client, { env });
    const { code, stdout, stderr } = await program.ended();
    assert.equal(code, 0, stderr);
    if (!("OTEL_DENO" in env)) continue; // it runs without OpenTelemetry as well
    const { traceId, spanId } = JSON.parse(stdout);
    // In between is the span of the request, which Deno's HTTP/2 makes, and names to the exporter.
    for (const name of ["power.on", "power.read"]) {
      const [span] = await collector.see({ name });
      assert.equal(span?.traceId, traceId, name);
      const [request] = await collector.see({ spanId: span?.parentSpanId });
      assert.equal(request?.parentSpanId, spanId, name);
    }
    const [after] = await collector.see({ name: "power.off" });
    assert.notEqual(after?.traceId, traceId);
  }
});

Deno.test("a traceparent of anybody's is taken as W3C has it, and anything else is none", async () => {
  await using place = await Place.open();
  await using collector = collectSpans();
  await using exporter = await startExporter(place, { env: collector.env });
  await exporter.ready();
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736", parent = "00f067aa0ba902b7";
  const known: [entry: string, isParent: boolean][] = [
    [`00-${trace}-${parent}-01`, true],
    [`cc-${trace}-${parent}-01-what-will-be`, true],
    [`ff-${trace}-${parent}-01`, false],
    [`00-${trace}-${parent}-01-more`, false],
    [`00-${trace.toUpperCase()}-${parent}-01`, false],
    [`00-${"0".repeat(32)}-${parent}-01`, false],
    [`00-${trace}-${"0".repeat(16)}-01`, false],
    ["garbage", false],
  ];
  for (const [entry] of known) {
    using channel = openChannel(exporter.address, { insecure: true });
    channel.present("traceparent", entry);
    const { root } = await openExporter(channel, []);
    await assert.rejects(root.children[0]?.client.link.caller.call("no_such_method", []) ?? assert.fail());
  }
  const spans = await collector.see({ name: "power.?" }, known.length);
  const parents = spans.map(({ traceId, parentSpanId }) => traceId === trace && parentSpanId === parent);
  assert.deepEqual(parents, known.map(([, isParent]) => isParent));
});

Deno.test("--audit-log has a line for each that is not let in, and why, but not for each of a flood", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue({ names: ["127.0.0.1"] });
  const client = await authority.issueClient("ann");
  const foreign = await (await makeAuthority()).issueClient("bob");
  const write = async (name: string, text: string) => await place.write(name, text);
  const ca = await write("ca.pem", authority.cert);
  const pair = async (name: string, pem: { cert: string; key: string }) => {
    const files = [await write(`${name}.crt`, pem.cert), await write(`${name}.key`, pem.key)] as const;
    return ["--tls-client-cert", files[0], "--tls-client-key", files[1]];
  };
  const security = ["--tls-cert", await write("a.crt", cert), "--tls-key", await write("a.key", key)];
  const file = place.path("audit.log");
  const args = ["--tls-client-ca", ca, "--audit-log", file, "--passphrase", "open-sesame-7"];
  await using exporter = await startExporter(place, { security, args });
  await exporter.ready();
  const inspect = ["inspect", "--tls-grpc", exporter.address, "--tls-ca", ca];
  const ann = await pair("ann", client);
  const ends = [
    await runJmp(place, [...inspect, ...ann, "--passphrase", "a guess"]),
    await runJmp(place, [...inspect, ...ann]),
    await runJmp(place, [...inspect, ...await pair("foreign", foreign), "--passphrase", "open-sesame-7"]),
    await runJmp(place, [...inspect, "--passphrase", "open-sesame-7"]),
  ];
  assert.deepEqual(ends.map(({ code }) => code), [5, 5, 4, 4], JSON.stringify(ends));
  for (let i = 0; i < 30; i++) {
    const port = Number(exporter.port);
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("no TLS\r\n\r\n"));
    await connection.readable.pipeTo(new WritableStream()).catch(() => {/* it is cut off */});
  }
  assert.equal((await exporter.program.stop()).code, 0);
  const text = await Deno.readTextFile(file);
  const refused = text.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ event }) => event === "refused");
  assert.deepEqual(Object.keys(refused[0]), ["time", "event", "identity", "address", "reason", "untold"]);
  for (const { address } of refused) assert.match(address, /^127\.0\.0\.1:\d+$/);
  const reasons = refused.map(({ identity, reason }) => [identity, reason]);
  assert.deepEqual(reasons.slice(0, 2), [["ann", "wrong passphrase"], ["ann", "missing passphrase"]]);
  const tls = reasons.slice(2);
  assert.equal(tls.length, 10, "the rest is only counted");
  assert.ok(tls.every(([identity, reason]) => identity === null && /^TLS handshake failed: ./.test(reason)), text);
  assert.ok(tls.some(([, reason]) => /its certificate is not accepted \(/.test(reason)), text);
  assert.doesNotMatch(text, /a guess|open-sesame/);
});

for (const least of [[], ["--least-privilege"]]) {
  Deno.test(`SIGHUP opens an audit log anew that was renamed ${least}`, async () => {
    await using place = await Place.open();
    const file = place.path("audit.log");
    await using exporter = await startExporter(place, { args: ["--audit-log", file, ...least] });
    await exporter.ready();
    const on = () => runJmp(place, ["j", "power", "on"], { env: exporter.env });
    await on();
    await Deno.rename(file, `${file}.1`);
    await on();
    exporter.program.signal("SIGHUP");
    await exporter.program.seeErr("Reloaded: ");
    assert.equal((await on()).code, 0);
    assert.equal((await exporter.program.stop()).code, 0);
    const calls = async (name: string) => (await Deno.readTextFile(name)).split('"event":"call"').length - 1;
    assert.deepEqual([await calls(`${file}.1`), await calls(file)], [2, 1]);
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  });
}
