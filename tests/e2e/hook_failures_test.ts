/**
 * What follows a hook that fails, as a table: each `onFailure`, each hook, a client there or not, with and without a
 * passphrase and TLS, and an exporter that a shell serves for itself. What clients read, and how the exporter ends.
 */
import assert from "node:assert/strict";
import { composite } from "../../drivers/composite/mod.ts";
import { power } from "../../drivers/power/mod.ts";
import { ExporterService, ExporterStatus } from "../../proto/mod.ts";
import { connectWith, type Exporter, openChannel } from "../../src/client/mod.ts";
import { readConfig, wholeConfig } from "../../src/config/mod.ts";
import { HookError } from "../../src/errors.ts";
import { type LifecycleEnd, planDrivers, runExporter } from "../../src/exporter/mod.ts";
import type { LogRecord } from "../../src/log.ts";
import type { Address } from "../../src/address.ts";
import type { Channel, ServerCertificate } from "../../src/rpc/mod.ts";
import { type Authority, makeAuthority } from "../fixtures/certificate.ts";
import { type HookText, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

type OnFailure = "warn" | "endLease" | "exit";
type HookName = "beforeLease" | "afterLease";

const packages = [composite, power];
const reasonOf = (hook: HookName) => `${hook} hook failed with exit code 3`;

interface Security {
  readonly passphrase?: string;
  readonly certificate?: ServerCertificate & { readonly ca: string };
}

/** An exporter in this process, on a real socket, with real hooks. */
interface Bench extends AsyncDisposable {
  readonly end: Promise<LifecycleEnd>;
  readonly records: readonly LogRecord[];
  stop(): void;
  connect(): Promise<Exporter>;
  channel(): Channel;
}

async function openBench(hooks: Partial<Record<HookName, HookText>>, { passphrase, certificate }: Security) {
  const text = { metadata: { name: "bench" }, export: { power: { type: "MockPower" } }, hooks };
  const config = JSON.stringify(text).replace("MockPower", "jumpstarter_driver_power.driver.MockPower");
  const loaded = { ...wholeConfig(readConfig(config, "test.yaml")), url: new URL("file:///test.yaml") };
  const stopping = new AbortController();
  const listening = Promise.withResolvers<Address>();
  const records: LogRecord[] = [];
  const end = runExporter({
    loaded,
    plan: await planDrivers(loaded, packages),
    packages,
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    certificate,
    passphrase,
    sink: (record) => records.push(record),
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    launcher: ["false"],
    stopping: stopping.signal,
    onListening: listening.resolve,
  });
  const address = await Promise.race([listening.promise, end.then(() => listening.promise)]);
  const options = { insecure: certificate === undefined, tlsCa: certificate?.ca, passphrase, readyTimeoutMs: 30_000 };
  const bench: Bench = {
    end,
    records,
    stop: () => stopping.abort(),
    connect: () => connectWith(packages, address, options),
    channel: () => openChannel(address, options),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await end;
    },
  };
  return bench;
}

/** Reads the status until the exporter is gone, as a client that is attached does. */
async function readStatuses(channel: Channel, seen: string[]): Promise<void> {
  for (;;) {
    try {
      const { status, message } = await channel.unary(ExporterService.method.getStatus, {});
      const entry = `${ExporterStatus[status]}: ${message}`;
      if (seen.at(-1) !== entry) seen.push(entry);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A script that fails, and one that does so once a file is there. */
const fails = "echo broken; exit 3";
const failsAfter = (go: string) => `until [ -e '${go}' ]; do sleep 0.01; done; ${fails}`;

const hookFailure = (connected: Promise<Exporter>): Promise<string> =>
  connected.then(
    (exporter) => exporter[Symbol.asyncDispose]().then(() => "connected"),
    (error) => error instanceof HookError ? `hook: ${error.message}` : error.code,
  );

/** beforeLease fails while a client waits for it, or before one comes. */
async function failBefore(onFailure: OnFailure, isAttached: boolean, security: Security): Promise<void> {
  await using place = await Place.open();
  const go = place.path("go");
  await using bench = await openBench({ beforeLease: { script: failsAfter(go), onFailure } }, security);
  const hasFailed = () => bench.records.some(({ message }) => message === reasonOf("beforeLease"));
  const seen: string[] = [];
  if (!isAttached) {
    await Deno.writeTextFile(go, "");
    await until("the hook has failed", hasFailed);
    if (onFailure === "exit") {
      assert.deepEqual(await bench.end, { kind: "hookFailed", reason: reasonOf("beforeLease") });
      return;
    }
  }
  using channel = bench.channel();
  const waits = hookFailure(bench.connect());
  const reading = readStatuses(channel, seen);
  if (isAttached) {
    await until("the client waits", () => seen.length > 0);
    assert.deepEqual(seen, ["BEFORE_LEASE_HOOK: The beforeLease hook is running"]);
    await Deno.writeTextFile(go, "");
  }
  assert.equal(await waits, onFailure === "warn" ? "connected" : `hook: ${reasonOf("beforeLease")}`);
  const failed = `BEFORE_LEASE_HOOK_FAILED: ${reasonOf("beforeLease")}`;
  const warned = `LEASE_READY: [HOOK_WARNING] ${reasonOf("beforeLease")}`;
  await until("it has read why", () => seen.includes(onFailure === "warn" ? warned : failed));
  if (onFailure !== "exit") bench.stop();
  await reading;
  const end = onFailure === "exit" ? { kind: "hookFailed", reason: reasonOf("beforeLease") } : { kind: "stopped" };
  assert.deepEqual(await bench.end, end);
}

/** afterLease fails, because of a stop with or without a client, or because a client ends its session. */
async function failAfter(onFailure: OnFailure, event: "stop" | "EndSession", isAttached: boolean, security: Security) {
  const twice = { beforeLease: { script: "true" }, afterLease: { script: fails, onFailure } };
  await using bench = await openBench(twice, security);
  const failed = `AFTER_LEASE_HOOK_FAILED: ${reasonOf("afterLease")}`;
  const end = onFailure === "exit" ? { kind: "hookFailed", reason: reasonOf("afterLease") } : { kind: "stopped" };
  const seen: string[] = [];
  if (!isAttached) {
    bench.stop();
    assert.deepEqual(await bench.end, end);
    return;
  }
  using channel = bench.channel();
  const endSession = () => channel.unary(ExporterService.method.endSession, {});
  const reading = readStatuses(channel, seen);
  await until("it reads", () => seen.includes("LEASE_READY: Ready for commands"));
  if (event === "stop") {
    bench.stop();
  } else if (onFailure === "exit") {
    await endSession().catch(() => {/* the exporter goes */});
  } else {
    assert.equal((await endSession()).message, "Ready for commands", "it is ready again");
    await using client = await bench.connect();
    await client.driver("power").call("on");
    bench.stop();
  }
  assert.deepEqual(await bench.end, end);
  await reading;
  if (onFailure === "exit") assert.equal(seen.at(-1), failed, "every client that is there reads why");
  const log = bench.records.filter(({ message }) => message === reasonOf("afterLease"));
  assert.deepEqual(
    log.map(({ severity }) => severity),
    event === "stop" || onFailure === "exit" ? ["ERROR"] : ["ERROR", "ERROR"],
  );
}

let authority: Promise<Authority> | undefined;

async function securityOf(hasPassphrase: boolean, hasTls: boolean): Promise<Security> {
  const passphrase = hasPassphrase ? "open sesame" : undefined;
  if (!hasTls) return { passphrase };
  const { cert: ca, issue } = await (authority ??= makeAuthority());
  return { passphrase, certificate: { ...await issue(), ca } };
}

for (const onFailure of ["warn", "endLease", "exit"] as const) {
  for (const hasPassphrase of [false, true]) {
    for (const hasTls of [false, true]) {
      const where = `${hasTls ? "TLS" : "plaintext"}${hasPassphrase ? ", passphrase" : ""}`;
      for (const isAttached of [true, false]) {
        const who = isAttached ? "a client waits" : "no client yet";
        Deno.test(`beforeLease fails, ${onFailure}, ${who}, ${where}`, async () =>
          await failBefore(onFailure, isAttached, await securityOf(hasPassphrase, hasTls)));
        Deno.test(`afterLease fails at a stop, ${onFailure}, ${isAttached ? "a client is there" : "no client"}, ${where}`, async () =>
          await failAfter(onFailure, "stop", isAttached, await securityOf(hasPassphrase, hasTls)));
      }
      Deno.test(`afterLease fails after EndSession, ${onFailure}, ${where}`, async () =>
        await failAfter(onFailure, "EndSession", true, await securityOf(hasPassphrase, hasTls)));
    }
  }
}

/** The same where a shell serves its own config: the exit code of the whole. */
const localRows: readonly (readonly [HookName, OnFailure, number, boolean])[] = [
  ["beforeLease", "warn", 7, true],
  ["beforeLease", "endLease", 6, false],
  ["beforeLease", "exit", 6, false],
  ["afterLease", "warn", 7, true],
  ["afterLease", "endLease", 7, true],
  ["afterLease", "exit", 6, true],
];

for (const [hook, onFailure, wanted, runs] of localRows) {
  Deno.test(`${hook} fails, ${onFailure}, in a shell of its own: exit code ${wanted}`, async () => {
    await using place = await Place.open();
    const file = await writeConfig(place, { hooks: { [hook]: { script: fails, onFailure } } });
    const words = ["shell", "--exporter-config", file, "--", "sh", "-c", "echo ran; exit 7"];
    const { code, stdout, stderr } = await runJmp(place, words);
    assert.deepEqual({ code, stdout }, { code: wanted, stdout: runs ? "ran\n" : "" }, stderr);
    assert.ok(stderr.includes(`[${hook}] broken\n`), stderr);
    assert.ok(stderr.includes(reasonOf(hook)), stderr);
    assert.deepEqual(await place.leftProcesses(), []);
  });
}
