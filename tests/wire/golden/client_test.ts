/** Our client, answered with the bytes of the Python exporter: it must ask in the Python client's own bytes. */
import { fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { PowerClient } from "../../../drivers/power/client.ts";
import { connect, type DriverClient, type ErrorCode, type Json, JumpstarterError } from "../../../mod.ts";
import * as pb from "../../../proto/mod.ts";
import { openChannel } from "../../../src/client/mod.ts";
import { conversation, unframe } from "./recorded.ts";
import { type AskedCall, serveRecording } from "./recorded_exporter.ts";

const passphrase = "correct-horse battery";
const values: readonly Json[] = [
  null,
  true,
  0,
  -0.5,
  2 ** 53 - 1,
  "π \u{1f50c}",
  [],
  [1, [null]],
  {},
  { a: { b: 1 } },
];

/** How a driver's exception arrives; release 0.9.0 tells three kinds, and the rest is one. */
const failures: readonly (readonly [string, ErrorCode, string])[] = [
  ["unimplemented", "unimplemented", "this bench has no such thing"],
  ["value", "invalid_argument", "the value is out of range"],
  ["timeout", "timeout", "the device took too long"],
  ["connection", "driver", "[Errno 111] the device refuses"],
  ["io", "driver", "[Errno 5] the device cannot be read"],
  ["other", "driver", "the device is on fire"],
  ["empty", "driver", "UNKNOWN"],
  ["words", "driver", "zwei Zeilen:\nπ ≈ 3 \u{1f50c} 100%"],
];

Deno.test("our client has the recorded conversation with the recorded exporter", async (t) => {
  await using recording = await serveRecording();
  const { port, asked, strange } = recording;
  const address = `127.0.0.1:${port}`;
  {
    await using exporter = await connect(address, { insecure: true, passphrase });
    const driver = (path: string) => exporter.driver(path, PowerClient);
    const probe = exporter.driver("probe");

    await t.step("plain calls", async () => {
      await driver("power").on();
      await driver("bench.board.supply").off();
      await driver("again.supply").on();
      for (const value of values) assert.deepEqual(await probe.call("echo", [value]), value);
      assert.deepEqual(await probe.call("pair", [1]), [1, null]);
      assert.deepEqual(await probe.call("pair", ["a", { b: [null] }]), ["a", { b: [null] }]);
      assert.equal(await probe.call("nothing"), null);
    });
    await t.step("streaming calls", async () => {
      const readings = await Array.fromAsync(driver("power").read());
      assert.deepEqual(readings, [{ voltage: 0, current: 0 }, { voltage: 5, current: 2 }]);
      assert.deepEqual(await Array.fromAsync(probe.callStream("count", [3])), [0, 1, 2]);
      assert.deepEqual(await Array.fromAsync(probe.callStream("count", [0])), []);
    });
    await t.step("errors", async () => {
      for (const [kind, code, message] of failures) await failsWith(probe.call("fail", [kind]), code, message);
      const seen: Json[] = [];
      const failing = (async () => {
        for await (const value of probe.callStream("fail_after", [2, "other"])) seen.push(value);
      })();
      await failsWith(failing, "driver", "the device is on fire");
      assert.deepEqual(seen, [0, 1]);
      await failsWith(probe.call("explode"), "not_found");
      await failsWith(probe.call("count", [1]), "not_found");
      await failsWith(Array.fromAsync(probe.callStream("nothing")), "not_found");
      await failsWith(driver("power").call("on", ["too", "many"]), "driver");
    });
    await t.step("raw streams", async () => {
      assert.equal(await converse(probe, "connect", ["one", "two"]), "onetwo");
      assert.equal(await converse(probe, "greet", []), "hello\n");
      assert.equal(await converse(probe, "sum_up", ["x".repeat(1_000)]), "1000");
      await failsWith(converse(probe, "explode", []), "not_found");
    });
    await t.step("files", async () => {
      const firmware = new TextEncoder().encode("firmware ".repeat(20));
      const result = await probe.upload("take", new Blob([firmware]).stream());
      assert.equal((result as Json[])[0], firmware.length);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const given = new Response(readable).text();
      await probe.download("give", writable, (handle) => [handle, 100]);
      assert.equal(await given, "0123456789abcdef".repeat(7).slice(0, 100));
    });
    await t.step("the log, and the end of the session", async () => {
      for await (const { source, message, severity } of exporter.logs()) {
        if (source !== "beforeLease") continue;
        assert.deepEqual([message, severity], ["the bench is prepared", "INFO"]);
        break;
      }
      await failsWith(
        exporter.endSession(),
        "not_ready",
        "The exporter has ended its session and begins no other (AVAILABLE: Available for new lease)",
      );
    });
  }
  await t.step("what a client never asks", async () => {
    using channel = openChannel(address, { insecure: true, passphrase });
    const { driverCall, reset } = pb.ExporterService.method;
    for (const call of conversation) {
      const [bytes] = unframe(call.up);
      if (call.details?.startsWith("Unexpected") !== true || !call.method.endsWith("DriverCall")) continue;
      const { uuid, method } = fromBinary(pb.DriverCallRequestSchema, bytes ?? assert.fail());
      await failsWith(channel.unary(driverCall, { uuid, method }), "driver");
    }
    await failsWith(channel.unary(reset, {}), "unimplemented");
  });
  await t.step("who has no passphrase, or a wrong one", async () => {
    for (const wrong of [undefined, "not it"]) {
      await failsWith(connect(address, { insecure: true, passphrase: wrong }), "unauthenticated");
    }
  });
  await t.step("everything was asked in the peer's own bytes", () => {
    assert.deepEqual(strange, []);
    const left = conversation.filter((call) => !asked.some(({ recorded }) => recorded === call));
    // Ours has no word for a method that does not exist, and packs as it is told to.
    assert.deepEqual(left.map(({ method, metadata }) => `${method.split("/")[2]} ${metadata.request ?? ""}`.trim()), [
      ...left.filter(({ metadata }) => metadata.request?.includes("gzip")).map(({ metadata }) =>
        `Stream ${metadata.request}`
      ),
      "DriverCall",
      "Later",
    ]);
    for (const call of asked) if (call.recorded.metadata.request?.includes("driver")) assertSameFrames(call);
  });
});

async function failsWith(promise: Promise<unknown>, code: ErrorCode, message?: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof JumpstarterError, String(error));
    assert.equal(error.code, code);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  });
}

async function converse(client: DriverClient, method: string, words: readonly string[]): Promise<string> {
  const { readable, writable } = await client.openStream(method);
  const writer = writable.getWriter();
  const sent = (async () => {
    for (const word of words) await writer.write(new TextEncoder().encode(word));
    await writer.close();
  })();
  sent.catch(() => {/* told by the reading */});
  const answer = await new Response(readable).text();
  await sent;
  return answer;
}

/** A stream that ended well: the peer's frames, GOAWAY included. */
function assertSameFrames({ recorded, sent }: AskedCall): void {
  if (recorded.status in { NOT_FOUND: 0 }) return; // broken at once, or after a frame or two
  assert.deepEqual(sent.map((bytes) => bytes.toHex()), unframe(recorded.up).map((bytes) => bytes.toHex()));
}
