import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Buffer } from "node:buffer";
import * as pb from "../../proto/mod.ts";

/** From which size on a payload is worth a way of its own. */
const LARGE_BYTES = 8 * 1024;

/** The messages that carry the bytes of streams, each with a `payload`. */
const frames: readonly DescMessage[] = [pb.StreamRequestSchema, pb.StreamResponseSchema];

/** The bytes of a message. Those of a large payload are copied once; in general they are three times. */
export function messageBytes<M extends DescMessage>(schema: M, message: MessageInitShape<M>): Buffer {
  if (frames.includes(schema)) {
    const { payload, ...rest } = message as MessageInitShape<typeof pb.StreamRequestSchema>;
    if (payload !== undefined && payload.length >= LARGE_BYTES) return frameBytes(schema, payload, rest);
  }
  return asBuffer(toBinary(schema, create(schema, message)));
}

function frameBytes(schema: DescMessage, payload: Uint8Array, rest: MessageInitShape<DescMessage>): Buffer {
  const { number } = pb.StreamRequestSchema.field.payload;
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(payload.length).finish();
  const tail = toBinary(schema, create(schema, rest));
  const bytes = Buffer.alloc(head.length + payload.length + tail.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  bytes.set(tail, head.length + payload.length);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
