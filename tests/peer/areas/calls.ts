/** Calls of every kind: what travels in them, the errors of drivers, streams of values, and the exporter's own methods. */
import assert from "node:assert/strict";
import * as pb from "../../../proto/mod.ts";
import type { Exporter } from "../../../src/client/mod.ts";
import { JumpstarterError } from "../../../src/errors.ts";
import type { Json } from "../../../src/json.ts";
import { until } from "../../fixtures/until.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { clientOptions, deviceType } from "../support/side.ts";

/** What clients call. */
export const calls = defineArea({
  name: "calls",
  open: (_place, { exporter }) =>
    Promise.resolve({
      entries: {
        probe: { type: deviceType(exporter, "probe", "Probe") },
        loud: { type: "jumpstarter_driver_power.driver.MockPower" },
        stranger: { type: deviceType(exporter, "probe", "Stranger"), description: "Of a class of its own" },
      },
    }),
  rows: [
    { name: "values of every kind, there and back", run: everyValue },
    { name: "arguments that may be left out, and no answer", run: optionalArguments },
    { name: "what a driver throws, by its kind", run: typedErrors },
    { name: "what a driver throws, in its words", run: wordsOfErrors },
    { name: "methods that are not there, and too many arguments", run: wrongCalls },
    { name: "ids of no device", remark: unknownIds, run: strayIds },
    { name: "a stream of values, and an error in its midst", run: values },
    { name: "a stream without end is made as it is read, and ends when it is left", run: flood },
    { name: "a call that hangs ends when it is given up", run: givenUp },
    { name: "GetStatus", run: status },
    { name: "Reset", run: reset },
    { name: "the log of drivers, late and live", notRun: oneReader, run: driverLog },
    { name: "a class that nobody knows is no reason not to connect", run: stranger },
    { name: "j call and j stream", notRun: withoutGenericDoor, run: genericDoor },
    { name: "jmp inspect", notRun: withoutInspect, run: inspect },
  ],
});

function unknownIds({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python" ? "to the Python exporter an id of no device is an unknown error" : undefined;
}

function oneReader({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python"
    ? "the Python exporter hands each line to one reader, which the shell is"
    : undefined;
}

function withoutGenericDoor({ client }: Pairing): string | undefined {
  return client.name === "Python" ? "the Python client calls only what it has a command for" : undefined;
}

function withoutInspect({ client }: Pairing): string | undefined {
  return client.name === "Python" ? "the Python client shows devices by its j alone" : undefined;
}

async function everyValue({ ask }: Cell<Bench>): Promise<void> {
  const sent: Json[] = [null, true, false, 0, -1.5, 1e100, "", "π \u{1f50c}\n\0", [], [[1], "x"], {}, {
    a: { b: [null] },
  }];
  const answer = await ask({
    python: `
      import json
      return [client.probe.call("echo", value) for value in json.loads(${JSON.stringify(JSON.stringify(sent))})]
    `,
    ours: (exporter) => Promise.all(sent.map((value) => exporter.driver("probe").call("echo", [value]))),
  });
  assert.deepEqual(answer, sent);
}

async function optionalArguments({ ask }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `return [client.probe.call("pair", 1), client.probe.call("pair", 1, "x"), client.probe.call("nothing")]`,
    async ours(exporter) {
      const probe = exporter.driver("probe");
      return [await probe.call("pair", [1]), await probe.call("pair", [1, "x"]), await probe.call("nothing")];
    },
  });
  assert.deepEqual(answer, [[1, null], [1, "x"], null]);
}

/** The class or code, and the message, of what a call throws. */
type Thrown = [kind: string, message: string];

const thrownInPython = `
      def thrown(use):
          try:
              use()
              return ["no error", ""]
          except Exception as error:
              return [type(error).__name__, str(error)]
`;

async function thrown(use: Promise<unknown>): Promise<Thrown> {
  try {
    await use;
    return ["no error", ""];
  } catch (error) {
    return error instanceof JumpstarterError ? [error.code, error.message] : ["not ours", String(error)];
  }
}

/** What `fail` throws of each kind. */
async function failures({ ask }: Cell<Bench>, kinds: readonly string[]): Promise<Thrown[]> {
  return await ask({
    python: `${thrownInPython}
      return [thrown(lambda: client.probe.call("fail", kind)) for kind in ${JSON.stringify(kinds)}]
    `,
    ours: (exporter) => Promise.all(kinds.map((kind) => thrown(exporter.driver("probe").call("fail", [kind])))),
  }) as Thrown[];
}

const kinds = ["unimplemented", "value", "timeout", "connection", "io", "other"];

async function typedErrors(cell: Cell<Bench>): Promise<void> {
  const { client, exporter } = cell;
  const answer = await failures(cell, kinds);
  // Release 0.9.0 answers the last three with one and the same status, and its client knows no more of them either.
  const expected = client.name === "Python"
    ? ["DriverMethodNotImplemented", "DriverInvalidArgument", ...Array(4).fill("DriverError")]
    : exporter.name === "Python"
    ? ["unimplemented", "invalid_argument", "timeout", ...Array(3).fill("driver")]
    : ["unimplemented", "invalid_argument", "timeout", "unavailable", "io", "driver"];
  assert.deepEqual(answer.map(([kind]) => kind), expected);
  const messages = [/no such thing/, /out of range/, /took too long/, /refuses/, /cannot be read/, /on fire/];
  for (const [index, pattern] of messages.entries()) assert.match(answer[index]?.[1] ?? "", pattern);
}

async function wordsOfErrors(cell: Cell<Bench>): Promise<void> {
  const [words] = await failures(cell, ["words"]);
  assert.ok(words?.[1].includes("zwei Zeilen:\nπ ≈ 3 \u{1f50c} 100%"), String(words?.[1]));
  // What has no words has some of its own.
  const [silent] = await failures(cell, ["empty"]);
  assert.notEqual(silent?.[1], "");
  // What no trailer has room for comes with its end cut off; the Python exporter sends it all, and no call survives.
  if (cell.exporter.name === "Python") return;
  const [long] = await failures(cell, ["long"]);
  assert.match(long?.[1] ?? "", /x{1000}/);
}

async function wrongCalls({ ask, client, exporter }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `${thrownInPython}
      probe = client.probe
      return [
          thrown(lambda: probe.call("explode")), thrown(lambda: probe.call("count", 1)),
          thrown(lambda: probe.call("nothing", 1)), thrown(lambda: list(probe.streamingcall("nothing"))),
      ]
    `,
    async ours(exporter) {
      const probe = exporter.driver("probe");
      return [
        await thrown(probe.call("explode")),
        await thrown(probe.call("count", [1])),
        await thrown(probe.call("nothing", [1])),
        await thrown(Array.fromAsync(probe.callStream("nothing"))),
      ];
    },
  }) as Thrown[];
  const tooMany = exporter.name === "Python"
    ? ["DriverError", "driver"]
    : ["DriverInvalidArgument", "invalid_argument"];
  assert.deepEqual(
    answer.map(([kind]) => kind),
    client.name === "Python"
      ? ["DriverMethodNotImplemented", "DriverMethodNotImplemented", tooMany[0], "DriverError"]
      : ["not_found", "not_found", tooMany[1], "not_found"],
  );
}

async function values({ ask, client }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `
      seen = []
      try:
          for value in client.probe.streamingcall("fail_after", 3, "value"):
              seen.append(value)
      except Exception as error:
          seen.append(type(error).__name__)
      return [list(client.probe.streamingcall("count", 300)), seen]
    `,
    async ours(exporter) {
      const seen: Json[] = [];
      try {
        for await (const value of exporter.driver("probe").callStream("fail_after", [3, "value"])) seen.push(value);
      } catch (error) {
        seen.push((error as JumpstarterError).code);
      }
      return [await Array.fromAsync(exporter.driver("probe").callStream("count", [300])), seen];
    },
  });
  const error = client.name === "Python" ? "DriverInvalidArgument" : "invalid_argument";
  assert.deepEqual(answer, [Array.from({ length: 300 }, (_, index) => index), [0, 1, 2, error]]);
}

/** How many calls and streams of a driver run. */
async function running({ ask }: Cell<Bench>): Promise<Json> {
  return await ask({
    python: `return client.probe.call("running")`,
    ours: (exporter) => exporter.driver("probe").call("running"),
  });
}

async function flood(cell: Cell<Bench>): Promise<void> {
  const made = await cell.ask({
    python: `
      from jumpstarter_protocol import jumpstarter_pb2
      async def taste():
          request = jumpstarter_pb2.StreamingDriverCallRequest(uuid=str(client.probe.uuid), method="flood")
          values = client.probe.stub.StreamingDriverCall(request)
          first = [len((await values.read()).result.string_value) for _ in range(3)]
          made = await client.probe.call_async("made")
          values.cancel()
          return [*first, made]
      return client.portal.call(taste)
    `,
    async ours(exporter) {
      const probe = exporter.driver("probe"), sizes: Json[] = [];
      for await (const value of probe.callStream("flood")) {
        sizes.push(String(value).length);
        if (sizes.length === 3) break;
      }
      return [...sizes, await probe.call("made")];
    },
  }) as number[];
  assert.deepEqual(made.slice(0, 3), [65_536, 65_536, 65_536]);
  // 64 KiB each, of which some are on their way.
  assert.ok((made[3] ?? Infinity) < 1_000, `${made[3]} were made for three`);
  await until("the driver is told that nobody reads", async () => await running(cell) === 0);
}

async function givenUp(cell: Cell<Bench>): Promise<void> {
  const answer = await cell.ask({
    python: `
      import anyio, asyncio
      async def give_up():
          with anyio.move_on_after(0.3) as scope:
              try:
                  await client.probe.call_async("wait")
              except asyncio.CancelledError:
                  pass  # its gRPC library says so by itself
          return scope.cancel_called
      return client.portal.call(give_up)
    `,
    async ours(exporter) {
      return (await thrown(exporter.driver("probe").call("wait", [], { timeoutMs: 300 })))[0] === "timeout";
    },
  });
  assert.equal(answer, true);
  await until("the driver is told that nobody waits", async () => await running(cell) === 0);
}

async function status({ ask }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `
      from jumpstarter_protocol import jumpstarter_pb2
      async def status():
          return await client.stub.GetStatus(jumpstarter_pb2.GetStatusRequest())
      found = client.portal.call(status)
      return [found.status, found.message, found.previous_status, found.status_version]
    `,
    async raw(channel) {
      const found = await channel.unary(pb.ExporterService.method.getStatus, {});
      const { status, message = null, previousStatus = null, statusVersion } = found;
      return [status, message, previousStatus, Number(statusVersion)];
    },
  }) as Json[];
  const version = answer.pop();
  const { LEASE_READY, AVAILABLE, BEFORE_LEASE_HOOK } = pb.ExporterStatus;
  // The matrix has a beforeLease, unless a part of it is run that has none.
  const before = version === 1 ? AVAILABLE : BEFORE_LEASE_HOOK;
  assert.deepEqual(answer, [LEASE_READY, "Ready for commands", before]);
  assert.ok(version === 1 || version === 2, `version ${version}`);
}

async function reset({ ask }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `
      from jumpstarter_protocol import jumpstarter_pb2
      async def reset():
          try:
              await client.stub.Reset(jumpstarter_pb2.ResetRequest())
          except Exception as error:
              return error.code().name
      return client.portal.call(reset)
    `,
    raw: async (channel) => (await thrown(channel.unary(pb.ExporterService.method.reset, {})))[0],
  });
  assert.equal(String(answer).toLowerCase(), "unimplemented");
}

/** A device that is not there, and what no device is called; and what has no method's name. */
async function strayIds({ ask, client, exporter }: Cell<Bench>): Promise<void> {
  const ids = [crypto.randomUUID(), "no id", ""];
  const answer = await ask({
    python: `
      from jumpstarter_protocol import jumpstarter_pb2
      async def code(call):
          try:
              await call
          except Exception as error:
              return error.code().name
      async def ask(id):
          plain = jumpstarter_pb2.DriverCallRequest(uuid=id, method="nothing")
          streaming = jumpstarter_pb2.StreamingDriverCallRequest(uuid=id, method="count")
          return [await code(client.stub.DriverCall(plain)), await code(client.stub.StreamingDriverCall(streaming).read())]
      return [client.portal.call(ask, id) for id in ${JSON.stringify(ids)}]
    `,
    raw: (channel) =>
      Promise.all(ids.map(async (uuid) => {
        const { driverCall, streamingDriverCall } = pb.ExporterService.method;
        const [plain] = await thrown(channel.unary(driverCall, { uuid, method: "nothing" }));
        const stream = channel.serverStream(streamingDriverCall, { uuid, method: "count" });
        const [streaming] = await thrown(Array.fromAsync(stream));
        return [plain, streaming];
      })),
  });
  const [none, malformed] = exporter.name === "Python"
    ? (client.name === "Python" ? ["UNKNOWN", "UNKNOWN"] : ["driver", "driver"])
    : (client.name === "Python" ? ["NOT_FOUND", "INVALID_ARGUMENT"] : ["not_found", "invalid_argument"]);
  assert.deepEqual(answer, [none, malformed, malformed].map((code) => [code, code]));
}

async function driverLog({ ask }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `
      from google.protobuf import empty_pb2
      async def follow():
          seen = []
          async for line in client.stub.LogStream(empty_pb2.Empty()):
              if line.message not in ("power on", "power off") or line.source != 1:
                  continue
              seen.append(line.message)
              if len(seen) == 1:
                  await client.loud.call_async("off")
                  await client.loud.call_async("on")
              if seen[-2:] == ["power off", "power on"] and len(seen) > 2:
                  return seen[-2:]
      client.loud.on()
      return client.portal.call(follow)
    `,
    async ours(exporter) {
      const power = exporter.driver("loud"), seen: string[] = [];
      await power.call("on");
      for await (const { message, source } of exporter.logs(AbortSignal.timeout(30_000))) {
        if (source !== "driver" || !/^power (?:on|off)$/.test(message)) continue;
        if (seen.push(message) === 1) {
          await power.call("off");
          await power.call("on");
        }
        if (seen.length > 2 && seen.at(-2) === "power off" && seen.at(-1) === "power on") break;
      }
      return seen.slice(-2);
    },
  });
  assert.deepEqual(answer, ["power off", "power on"]);
}

async function stranger({ ask, client }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `
      try:
          client.stranger.call("echo", 5)
      except ImportError as error:
          return str(error)
    `,
    ours: (exporter: Exporter) => exporter.driver("stranger").call("echo", [5]),
  });
  if (client.name === "Python") assert.match(String(answer), /acme_bench/);
  else assert.equal(answer, 5);
}

async function genericDoor({ session }: Cell<Bench>): Promise<void> {
  const said = async (command: string) => {
    const { code, stdout } = await session.run(command);
    return [code, stdout];
  };
  assert.deepEqual(await said(`j call stranger echo '{"a":[1,2]}'`), [0, '{"a":[1,2]}\n']);
  assert.deepEqual(await said("j --json call stranger count 3"), [0, "0\n1\n2\n"]);
  assert.deepEqual(await said("printf 12345 | j stream stranger sum_up"), [0, "5"]);
}

async function inspect({ session, client, exporter, security, certificate, running }: Cell<Bench>): Promise<void> {
  const words = clientOptions(client, security, certificate).map((word) => `'${word}'`);
  const { code, stdout, stderr } = await session.run(
    ["jmp inspect --json --tls-grpc", running.address, ...words].join(" "),
  );
  assert.equal(code, 0, stderr);
  const { name, drivers } = JSON.parse(stdout) as { name: string; drivers: Record<string, Json>[] };
  const { class: label, known, description, methods } = drivers.find(({ name }) => name === "stranger") ?? {};
  assert.deepEqual([label, known, description], ["acme_bench.client.StrangerClient", false, "Of a class of its own"]);
  // Release 0.9.0 tells neither its name nor what a driver can do.
  assert.equal(name, exporter.name === "Python" ? "" : "matrix-bench");
  if (exporter.name === "Python") return assert.equal(methods, null);
  const count = (methods as Json[]).filter((method) => (method as { name: string }).name === "count");
  assert.deepEqual(count, [{ name: "count", kind: "callStream", description: "" }]);
}
