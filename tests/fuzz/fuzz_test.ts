/** Whatever a config, a value or a peer says: an answer in this project's own terms, and everybody else is served on. */
import { fromBinary } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readConfig, wholeConfig } from "../../src/config/mod.ts";
import { ConfigError, JumpstarterError } from "../../src/errors.ts";
import { FRAME, FrameScanner, PREFACE } from "../../src/rpc/http2_frames.ts";
import { fromValue } from "../../src/rpc/value.ts";
import { fuzz } from "./fuzz.ts";
import { nestedValue } from "./messages.ts";
import { changedTexts } from "./texts.ts";

const examples = new URL("../../examples/", import.meta.url);
const configs: string[] = [];
for await (const { name } of Deno.readDir(examples)) {
  if (name.endsWith(".yaml")) configs.push(await Deno.readTextFile(new URL(name, examples)));
}

fuzz("config text", changedTexts(configs), () => ({
  holds: (text) => {
    try {
      wholeConfig(readConfig(text, "any.yaml"));
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      assert.ok(error.problems.length > 0);
    }
  },
}));

fuzz("values", fc.oneof(fc.uint8Array({ maxLength: 200 }), nestedValue()), () => ({
  holds: (bytes) => {
    let message;
    try {
      message = fromBinary(ValueSchema, bytes);
    } catch {
      return; // it is no message, which gRPC answers by itself
    }
    try {
      JSON.stringify(fromValue(message));
    } catch (error) {
      assert.ok(error instanceof JumpstarterError && error.code === "invalid_argument", String(error));
    }
  },
}));

fuzz(
  "frames",
  fc.tuple(fc.boolean(), fc.array(frame(), { maxLength: 8 }), fc.nat({ max: 30 })),
  () => ({
    holds: ([hasPreface, frames, size]) => {
      const bytes = Buffer.concat([...(hasPreface ? [PREFACE] : []), ...frames]);
      const scanner = new FrameScanner(hasPreface, (type) => type !== FRAME.goaway);
      const passed: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size + 1) {
        passed.push(...scanner.scan(bytes.subarray(at, at + size + 1)));
      }
      assert.ok(Buffer.concat([...passed, scanner.rest()]).equals(withoutGoaway(bytes, hasPreface)));
    },
  }),
);

/** The same bytes read all at once: without the frames that are dropped, unless it is no HTTP/2. */
function withoutGoaway(bytes: Buffer, hasPreface: boolean): Buffer {
  let at = hasPreface ? PREFACE.length : 0;
  if (bytes[at + 3] !== FRAME.settings) return bytes;
  const kept = [bytes.subarray(0, at)];
  while (at + 9 <= bytes.length) {
    const end = Math.min(bytes.length, at + 9 + bytes.readUIntBE(at, 3));
    if (bytes[at + 3] !== FRAME.goaway) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}

/** A frame of HTTP/2, true to its length or not. */
function frame(): fc.Arbitrary<Buffer> {
  const type = fc.oneof(fc.constantFrom(...Object.values(FRAME)), fc.nat({ max: 255 }));
  return fc.tuple(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(0, 0, 0, 1, 3),
    type,
    fc.nat({ max: 255 }),
    fc.nat(),
  )
    .map(([payload, off, type, flags, stream]) => {
      const header = Buffer.alloc(9);
      header.writeUIntBE(payload.length + off, 0, 3);
      header[3] = type;
      header[4] = flags;
      header.writeUInt32BE(stream, 5);
      return Buffer.concat([header, payload]);
    });
}
