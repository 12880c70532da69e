import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import assert from "node:assert/strict";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { fromValue, toValue } from "./value.ts";

const overTheWire = (json: Json) => fromValue(fromBinary(ValueSchema, toBinary(ValueSchema, toValue(json))));
const isInvalid = (error: unknown) => error instanceof JumpstarterError && error.code === "invalid_argument";

const json = fc.jsonValue({ stringUnit: "grapheme" });

Deno.test("every JSON value comes over the wire as it was", () => {
  fc.assert(fc.property(json, (value) => assert.deepEqual(overTheWire(value as Json), value)));
  const corners: Json[] = [
    JSON.parse('{"__proto__": {"a": [1]}}'),
    null,
    "",
    0,
    -0,
    2 ** 53,
    1e308,
    5e-324,
    [],
    {},
    [[null]],
    { "": {} },
    { constructor: 1 },
  ];
  for (const value of corners) assert.deepEqual(overTheWire(value), value);
});

Deno.test("what JSON cannot say is an invalid argument, told in words", () => {
  const circle: Json[] = [];
  circle.push(circle);
  const bad: unknown[] = [undefined, NaN, Infinity, [undefined], [1, [-Infinity]], () => 1, Symbol("s"), 10n, circle];
  for (const value of bad) {
    assert.throws(() => toValue(value as Json), (error) => isInvalid(error) && /not a JSON value/i.test(String(error)));
  }
});

Deno.test("a value that says nothing is null, and one that is not finite is refused", () => {
  assert.equal(fromValue(undefined), null);
  assert.equal(fromValue({ kind: { case: undefined } } as Value), null);
  const infinite = toValue(1);
  infinite.kind = { case: "numberValue", value: Infinity };
  assert.throws(() => fromValue(infinite), isInvalid);
});
