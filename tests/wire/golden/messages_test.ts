/** The bytes of the peer's messages, decoded and encoded by ours. */
import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../../proto/mod.ts";
import { fromValue, toValue } from "../../../src/rpc/mod.ts";
import type { Json } from "../../../src/json.ts";
import { conversation, isSameMessage, messages, methodOf, schemaOf, unframe } from "./recorded.ts";

/** Every message of the contract; the peer's release has no distributed mode in what is recorded. */
const contract = [...pb.file_jumpstarter_v1_jumpstarter.messages, ...pb.file_jumpstarter_v1_router.messages];

Deno.test("each message decodes to what the peer says that it means, and encodes to the peer's bytes", async (t) => {
  for (const { name, type, json, hex } of messages) {
    await t.step(`${name} (${type})`, () => {
      const schema = schemaOf(type);
      const message = fromBinary(schema, Uint8Array.fromHex(hex));
      assert.equal(toBinary(schema, message).toHex(), hex);
      if (name === "a value of no kind") return assert.equal(json, null); // which JSON cannot tell from null
      assert.deepEqual(toJson(schema, message), json);
      const made = toBinary(schema, fromJson(schema, json as JsonValue));
      assert.ok(isSameMessage(schema, made, Uint8Array.fromHex(hex)), made.toHex());
    });
  }
});

Deno.test("a value of every kind is what the calls of drivers see", () => {
  const values = messages.filter(({ type }) => type === "google.protobuf.Value");
  assert.ok(values.length > 10);
  for (const { name, json, hex } of values) {
    const value = fromBinary(pb.ValueSchema, Uint8Array.fromHex(hex));
    assert.deepEqual(fromValue(value), json, name);
    if (value.kind.case === undefined) continue;
    const made = toBinary(pb.ValueSchema, toValue(json as Json));
    assert.ok(isSameMessage(pb.ValueSchema, made, Uint8Array.fromHex(hex)), made.toHex());
  }
});

Deno.test("no message of the contract is left out", () => {
  const recorded = new Set(messages.map(({ type }) => type));
  assert.deepEqual(contract.map(({ typeName }) => typeName).filter((name) => !recorded.has(name)), []);
});

Deno.test("the messages of a conversation decode, and encode to the peer's bytes", () => {
  let count = 0;
  for (const [index, { method: path, up, down }] of conversation.entries()) {
    const method = methodOf(path);
    if (method === undefined) continue; // asked to see what becomes of it
    assert.equal(reframe(method.input, up), up, `request ${index}, ${path}`);
    assert.equal(reframe(method.output, down), down, `response ${index}, ${path}`);
    count++;
  }
  assert.ok(count > 40);
});

/** The messages in `hex`, decoded, encoded, and framed again. */
function reframe(schema: DescMessage, hex: string): string {
  return unframe(hex).map((bytes) => {
    const again = toBinary(schema, fromBinary(schema, bytes));
    const prefix = new Uint8Array(5);
    new DataView(prefix.buffer).setUint32(1, again.length);
    return prefix.toHex() + again.toHex();
  }).join("");
}
