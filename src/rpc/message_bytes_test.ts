import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";
import { messageBytes } from "./message_bytes.ts";

Deno.test("a frame of any size, of any type, has the bytes that the library gives it", () => {
  const types = [pb.FrameType.DATA, pb.FrameType.GOAWAY, 300 as pb.FrameType];
  for (const schema of [pb.StreamRequestSchema, pb.StreamResponseSchema]) {
    for (const length of [0, 1, 127, 128, 8_191, 8_192, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const payload = new Uint8Array(length).map((_, i) => i * 7);
      for (const frameType of types) {
        const expected = toBinary(schema, create(schema, { payload, frameType }));
        assert.ok(
          messageBytes(schema, { payload, frameType }).equals(expected),
          `${length} bytes of type ${frameType}`,
        );
      }
      const untyped = toBinary(schema, create(schema, { payload }));
      assert.ok(messageBytes(schema, { payload }).equals(untyped), `${length} bytes`);
    }
  }
});

Deno.test("a message owns the memory of its bytes", () => {
  const payload = new Uint8Array(100_000).fill(1);
  const bytes = messageBytes(pb.StreamRequestSchema, { payload });
  payload.fill(2);
  assert.equal(bytes[50_000], 1);
});
