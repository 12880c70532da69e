import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";
import { rejectsWith, within } from "./bench_test.ts";
import { Digest } from "./digest.ts";
import { readAll, streamPair } from "./frame_bench_test.ts";
import { relayFrames, type RequestFrame } from "./frame_stream.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function digestOf(...pieces: string[]): Digest {
  const digest = new Digest();
  for (const piece of pieces) digest.update(encode(piece));
  return digest;
}

/** Asserts what a receiver of `got` says to the trailer of a sender. */
function differs(got: Digest, trailer: Uint8Array, message: RegExp): void {
  assert.throws(() => got.verify(trailer), { name: "JumpstarterError", code: "io", message });
}

Deno.test("what came as it was sent is whole, in whichever pieces", () => {
  digestOf("half", "half").verify(digestOf("halfhalf").trailer());
  digestOf().verify(digestOf().trailer());
});

Deno.test("the trailer is the length and the SHA-256, as JSON", () => {
  const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.deepEqual(JSON.parse(new TextDecoder().decode(digestOf("abc").trailer())), { length: 3, sha256 });
});

Deno.test("too few bytes and too many are told with both numbers", () => {
  differs(digestOf("hal"), digestOf("half").trailer(), /not whole: 3 of 4 bytes came$/);
  differs(digestOf("halfs"), digestOf("half").trailer(), /not whole: 5 of 4 bytes came$/);
  differs(digestOf(), digestOf("half").trailer(), /not whole: 0 of 4 bytes came$/);
});

Deno.test("as many bytes that are others are damaged", () => {
  differs(digestOf("hurt"), digestOf("half").trailer(), /damaged: its 4 bytes differ from what was sent$/);
});

Deno.test("a trailer that cannot be read says that nothing is whole", () => {
  const { length, sha256 } = JSON.parse(new TextDecoder().decode(digestOf("half").trailer()));
  for (const trailer of ["", "{", "null", "[]", "{}", JSON.stringify({ sha256 }), JSON.stringify({ length })]) {
    assert.throws(() => digestOf("half").verify(encode(trailer)), { code: "io" }, trailer);
  }
});

/** What the device reads of a file whose client sends these frames. */
async function readAtDevice(
  frames: readonly RequestFrame[],
  kind: "file" | "checkedFile" = "checkedFile",
): Promise<string> {
  const [driver, device] = streamPair();
  const relayed = Array.fromAsync(
    relayFrames(ReadableStream.from(frames), driver, new AbortController().signal, kind),
  );
  relayed.catch(() => {/* what the device is told counts here */});
  device.writable.close().catch(() => {/* likewise */});
  return new TextDecoder().decode(await within(readAll(device.readable), "the device to read"));
}

Deno.test("the device of a file that came otherwise than it was sent is told at its end", async () => {
  const frame = (frameType: pb.FrameType, payload: Uint8Array) =>
    create(pb.StreamRequestSchema, { frameType, payload });
  const data = frame(pb.FrameType.DATA, encode("half"));
  const end = (trailer: Uint8Array) => frame(pb.FrameType.GOAWAY, trailer);
  assert.equal(await readAtDevice([data, end(digestOf("half").trailer())]), "half");
  await rejectsWith(readAtDevice([data, end(new Uint8Array())]), "io");
  assert.equal(await readAtDevice([data, end(new Uint8Array())], "file"), "half");
  for (const sent of ["hal", "halfs", "hurt"]) {
    await rejectsWith(readAtDevice([data, end(digestOf(sent).trailer())]), "io");
  }
  for (const kind of ["file", "checkedFile"] as const) await rejectsWith(readAtDevice([data], kind), "io");
});
