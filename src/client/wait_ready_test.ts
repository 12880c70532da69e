import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { Listener } from "../listener.ts";
import * as pb from "../../proto/mod.ts";
import { type ErrorCode, HookError, JumpstarterError } from "../errors.ts";
import { type Channel, serve, type Server } from "../rpc/mod.ts";
import { boundServices } from "../rpc/bench_test.ts";
import { Logger } from "../log.ts";
import { openChannel } from "./connect.ts";
import type { ExporterStatusUpdate } from "./exporter_info.ts";
import { waitReady } from "./wait_ready.ts";

const { AVAILABLE, BEFORE_LEASE_HOOK, LEASE_READY, OFFLINE } = pb.ExporterStatus;
const { BEFORE_LEASE_HOOK_FAILED, AFTER_LEASE_HOOK_FAILED, AFTER_LEASE_HOOK } = pb.ExporterStatus;
type Answer = MessageInitShape<typeof pb.GetStatusResponseSchema>;

/** An exporter that answers with each status in turn, and with the last one from then on. */
async function openExporter(
  answers: readonly Answer[],
  isOurs = false,
): Promise<AsyncDisposable & { channel: Channel; server: Server }> {
  let asked = 0;
  const services = boundServices({
    exporter: { getStatus: () => answers[Math.min(asked++, answers.length - 1)] ?? {} },
    ...(isOurs ? { direct: { getInfo: () => ({}) } } : {}),
  });
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: 0 };
  const server = serve({ listener: await Listener.open(address), services, log: new Logger(() => {}) });
  const channel = openChannel(server.address, { insecure: true });
  return {
    channel,
    server,
    async [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<JumpstarterError> {
  const error: unknown = await promise.then(() => assert.fail(`expected ${code}`), (error) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, code, error.message);
  return error;
}

Deno.test("an exporter that knows no status is ready", async () => {
  const refuse = () => {
    throw new JumpstarterError("unimplemented", "Method not implemented!");
  };
  const services = boundServices({ exporter: { getStatus: refuse } });
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: 0 };
  await using server = serve({ listener: await Listener.open(address), services, log: new Logger(() => {}) });
  using channel = openChannel(server.address, { insecure: true });
  assert.equal(await waitReady(channel, { timeoutMs: 5_000 }), undefined);
});

Deno.test("ready at once is no wait, and a warning of a hook is handed on", async () => {
  const cases: [string | undefined, string | undefined][] = [
    ["Ready for commands", undefined],
    [undefined, undefined],
    ["[HOOK_WARNING] beforeLease hook failed with exit code 1", "beforeLease hook failed with exit code 1"],
  ];
  for (const [message, warning] of cases) {
    await using exporter = await openExporter([{ status: LEASE_READY, message }]);
    assert.equal(await waitReady(exporter.channel, { timeoutMs: 60_000 }), warning);
  }
});

Deno.test("every change of status is told once while it is waited for", async () => {
  await using exporter = await openExporter([
    { status: AVAILABLE, statusVersion: 0n },
    { status: BEFORE_LEASE_HOOK, message: "the hook is running", statusVersion: 1n },
    { status: BEFORE_LEASE_HOOK, message: "the hook is running", statusVersion: 1n },
    { status: 99 as pb.ExporterStatus, message: "from the future", statusVersion: 2n },
    { status: LEASE_READY, statusVersion: 3n },
  ]);
  const told: string[] = [];
  await waitReady(exporter.channel, {
    timeoutMs: 60_000,
    onStatus: ({ status, message }) => void told.push(`${status}: ${message}`),
  });
  assert.deepEqual(told, ["AVAILABLE: ", "BEFORE_LEASE_HOOK: the hook is running", "status 99: from the future"]);
});

Deno.test("a hook that has failed ends the wait with the exporter's words", async () => {
  for (const status of [BEFORE_LEASE_HOOK_FAILED, AFTER_LEASE_HOOK_FAILED]) {
    await using exporter = await openExporter([{ status: AFTER_LEASE_HOOK }, { status, message: "no power" }]);
    const error = await rejectsWith(waitReady(exporter.channel, { timeoutMs: 60_000 }), "hook");
    assert.ok(error instanceof HookError);
    assert.equal(error.message, "no power");
  }
  await using silent = await openExporter([{ status: BEFORE_LEASE_HOOK_FAILED }]);
  const { message } = await rejectsWith(waitReady(silent.channel, { timeoutMs: 60_000 }), "hook");
  assert.match(message, /BEFORE_LEASE_HOOK_FAILED/);
});

Deno.test("an exporter that stops, or goes away, is lost", async () => {
  await using stopping = await openExporter([{ status: OFFLINE, message: "maintenance" }]);
  const { message } = await rejectsWith(waitReady(stopping.channel, { timeoutMs: 60_000 }), "connection_lost");
  assert.match(message, /maintenance/);
  await using exporter = await openExporter([{ status: BEFORE_LEASE_HOOK }]);
  const asked = Promise.withResolvers<void>();
  const wait = waitReady(exporter.channel, { timeoutMs: 60_000, onStatus: () => asked.resolve() });
  const lost = rejectsWith(wait, "connection_lost");
  await asked.promise;
  await exporter.server.stop(0);
  await lost;
});

Deno.test("an exporter of another implementation that has ended its session is not waited for", async () => {
  await using exporter = await openExporter([
    { status: AVAILABLE, message: "Available for new lease", previousStatus: LEASE_READY, statusVersion: 3n },
  ]);
  const told: string[] = [];
  const options = { timeoutMs: 2_000, onStatus: ({ status }: ExporterStatusUpdate) => void told.push(status) };
  const { message, hint } = await rejectsWith(waitReady(exporter.channel, options), "not_ready");
  assert.match(message, /has ended its session and begins no other \(AVAILABLE: Available for new lease\)/);
  assert.match(hint ?? "", /start/);
  assert.deepEqual(told, []);
});

Deno.test("one of this project is waited for, since it begins the next", async () => {
  const between = { status: AVAILABLE, previousStatus: AFTER_LEASE_HOOK, statusVersion: 5n };
  await using exporter = await openExporter([between, between, { status: LEASE_READY, statusVersion: 6n }], true);
  assert.equal(await waitReady(exporter.channel, { timeoutMs: 60_000 }), undefined);
});

Deno.test("the wait ends when it has lasted too long, with what it waited for", async () => {
  await using exporter = await openExporter([{ status: BEFORE_LEASE_HOOK, message: "flashing" }]);
  const { message, hint } = await rejectsWith(waitReady(exporter.channel, { timeoutMs: 60 }), "timeout");
  assert.match(message, /0\.06 s \(BEFORE_LEASE_HOOK\)/);
  assert.equal(hint, "flashing");
});

Deno.test("the wait can be given up, in a pause as well", async () => {
  await using exporter = await openExporter([{ status: BEFORE_LEASE_HOOK }]);
  const abort = new AbortController();
  const wait = waitReady(exporter.channel, { timeoutMs: 60_000, signal: abort.signal, onStatus: () => abort.abort() });
  await rejectsWith(wait, "cancelled");
});
