import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import assert from "node:assert/strict";
import { JumpstarterError } from "../errors.ts";
import { driverCall, getStatus, openBench, rejectsWith, streamingDriverCall, streamMethod } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import { openFrameStream } from "./frame_stream.ts";
import { assertPassphrase } from "../passphrase.ts";
import { passphraseChecker, passphraseKey } from "./passphrase.ts";

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  .filter((text) => text !== "" && text.trim() === text);

Deno.test("any printable passphrase opens what was locked with it, and nothing else", () => {
  const presented = (...values: string[]) => {
    const metadata = new Metadata();
    for (const value of values) metadata.add(passphraseKey, value);
    return metadata;
  };
  fc.assert(fc.property(printable, printable, (expected, other) => {
    assertPassphrase(expected);
    const isAdmitted = passphraseChecker(expected);
    assert.equal(isAdmitted(presented(expected)), true);
    assert.equal(isAdmitted(presented(other)), other === expected);
    assert.equal(isAdmitted(presented()), false);
    assert.equal(isAdmitted(presented(expected, other)), false);
  }));
});

Deno.test("a passphrase that cannot travel is refused without being told", () => {
  for (const passphrase of ["", "gänse", "one\ntwo", "tab\there", " padded", "padded ", " ", "\u{1f512}"]) {
    assert.throws(() => assertPassphrase(passphrase), (error) => {
      assert.ok(error instanceof JumpstarterError && error.code === "usage");
      assert.ok(error.hint);
      if (passphrase.trim() !== "") assert.ok(!error.message.includes(passphrase));
      return true;
    });
  }
});

Deno.test("the passphrase is asked for on every kind of call, and never logged", async () => {
  const passphrase = "my secret, with = and ;";
  await using bench = await openBench({
    exporter: {
      getStatus: () => ({ status: 4 }),
      async *streamingDriverCall() {
        yield {};
      },
    },
    router: {
      async *stream(_requests, call) {
        call.sendMetadata({});
        yield { frameType: 7 };
      },
    },
  }, { passphrase, limits: { loginPauseMs: 0 } });
  const { channel, server, records } = bench;
  assert.equal((await channel.unary(getStatus, {})).status, 4);
  assert.equal((await Array.fromAsync(channel.serverStream(streamingDriverCall, {}))).length, 1);
  assert.equal((await Array.fromAsync(openFrameStream(channel.duplex(streamMethod, {})).readable)).length, 0);
  for (const wrong of [undefined, "my secret", `${passphrase}!`]) {
    using stranger = new Channel({ address: server.address, passphrase: wrong });
    const calls = [
      stranger.unary(getStatus, {}),
      stranger.unary(driverCall, {}),
      Array.fromAsync(stranger.serverStream(streamingDriverCall, {})),
      Array.fromAsync(openFrameStream(stranger.duplex(streamMethod, {})).readable),
    ];
    for (const call of calls) {
      assert.equal((await rejectsWith(call, "unauthenticated")).message, "invalid or missing passphrase");
    }
  }
  assert.equal(records.length, 12);
  for (const { message, severity } of records) {
    assert.equal(severity, "WARNING");
    assert.match(message, /^authentication failed: .*\(\/jumpstarter\.v1\.\w+\/\w+ from 127\.0\.0\.1:\d+\)$/);
    assert.doesNotMatch(message, /secret/);
  }
});
