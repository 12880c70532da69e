import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";

/**
 * The wire form of a JSON value.
 *
 * @throws {JumpstarterError} `invalid_argument` for what JSON cannot say: a number that is not finite, `undefined`
 * inside a list, a function.
 */
export function toValue(json: Json): Value {
  try {
    assertFinite(json);
    return fromJson(ValueSchema, json as JsonValue);
  } catch (cause) {
    throw new JumpstarterError("invalid_argument", `Not a JSON value: ${describe(json)}`, { cause });
  }
}

/**
 * The JSON value of its wire form. A value that says nothing (an old peer's, or a newer one's unknown kind) is
 * `null`.
 *
 * @throws {JumpstarterError} `invalid_argument` for a number that is not finite.
 */
export function fromValue(value: Value | undefined): Json {
  if (value === undefined || value.kind.case === undefined) return null;
  try {
    return toJson(ValueSchema, value) as Json;
  } catch (cause) {
    throw new JumpstarterError("invalid_argument", "A number in the value is not finite", { cause });
  }
}

/** The library sends what is not finite without a word, and the other side then cannot read the answer. */
function assertFinite(json: unknown): void {
  if (typeof json === "number" && !Number.isFinite(json)) throw new RangeError(`${json} is not finite`);
  if (typeof json === "object" && json !== null) Object.values(json).forEach(assertFinite);
}

function describe(json: unknown): string {
  try {
    return JSON.stringify(json) ?? String(json);
  } catch {
    return String(json);
  }
}
