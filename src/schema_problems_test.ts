import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import type { Schema } from "./schema.ts";
import { schemaProblems } from "./schema_problems.ts";

function problemsOf<T>(schema: Schema<T>, value: unknown, prefix: string[] = []) {
  const result = schema.safeParse(value);
  assert.equal(result.success, false);
  return result.success ? [] : schemaProblems(schema, result.error.issues, prefix, value);
}

/** Each problem as `path: message (hint)`. */
function lines<T>(schema: Schema<T>, value: unknown): string[] {
  return problemsOf(schema, value).map(({ path, message, hint }) =>
    `${path.join(".")}: ${message}${hint === undefined ? "" : ` (${hint})`}`
  );
}

Deno.test("an unknown key is named in the path and gets the nearest known key as its hint", () => {
  const schema = z.strictObject({ hooks: z.string().optional(), host: z.string().optional() });
  assert.deepEqual(problemsOf(schema, { hook: "x" }, ["export", "power", "config"]), [
    {
      path: ["export", "power", "config", "hook"],
      message: 'unknown key "hook"',
      hint: 'did you mean "hooks" or "host"?',
      at: "key",
    },
  ]);
  assert.deepEqual(lines(schema, { colour: 1 }), ['colour: unknown key "colour" (known keys: hooks, host)']);
});

Deno.test("known keys are found beneath every kind of wrapper", () => {
  const inner = z.strictObject({ baudrate: z.int().optional() });
  const wrapped: Record<string, z.ZodType> = {
    optional: inner.optional(),
    default: inner.default({}),
    nullish: inner.nullish(),
    readonly: inner.readonly(),
    pipe: inner.transform((value) => value.baudrate),
    preprocess: z.preprocess((value) => value, inner),
    lazy: z.lazy(() => inner),
    discriminated: z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("serial"), baudrate: z.int() })]),
  };
  for (const [name, schema] of Object.entries(wrapped)) {
    const value = name === "discriminated" ? { kind: "serial", baudrate: 1, baudrat: 1 } : { baudrat: 1 };
    assert.deepEqual(lines(z.object({ port: schema }), { port: value }), [
      'port.baudrat: unknown key "baudrat" (did you mean "baudrate"?)',
    ], name);
  }
  assert.deepEqual(lines(z.array(inner), [{}, { baudrat: 1 }]), [
    '1.baudrat: unknown key "baudrat" (did you mean "baudrate"?)',
  ]);
  assert.deepEqual(lines(z.record(z.string(), inner), { a: { baudrat: 1 } }), [
    'a.baudrat: unknown key "baudrat" (did you mean "baudrate"?)',
  ]);
});

Deno.test("a wrong type is said with what is wanted and what is there", () => {
  const schema = z.object({
    timeout: z.int(),
    count: z.number().int(),
    ratio: z.number(),
    name: z.string(),
    on: z.boolean(),
    off: z.boolean(),
    pins: z.array(z.string()),
    tls: z.object({}),
    labels: z.record(z.string(), z.string()),
  });
  const value = {
    timeout: "5",
    count: 1.5,
    ratio: NaN,
    name: 5,
    on: "yes",
    off: "false",
    pins: {},
    tls: [],
    labels: null,
  };
  assert.deepEqual(lines(schema, value), [
    'timeout: "timeout" must be a whole number, not a string (write it without quotes)',
    'count: "count" must be a whole number, not 1.5',
    'ratio: "ratio" must be a number, not NaN',
    'name: "name" must be a string, not a number (write it in quotes)',
    'on: "on" must be true or false, not a string',
    'off: "off" must be true or false, not a string (write it without quotes)',
    'pins: "pins" must be a list, not a mapping',
    'tls: "tls" must be a mapping, not a list',
    'labels: "labels" must be a mapping, not null',
  ]);
  assert.deepEqual(lines(z.object({ pins: z.array(z.int()) }), { pins: [1, "x"] }), [
    'pins.1: "pins[1]" must be a whole number, not a string',
  ]);
  assert.deepEqual(lines(z.tuple([z.boolean()]), ["x"]), ["0: item 0 must be true or false, not a string"]);
  assert.deepEqual(lines(z.object({}), 5), [": the value must be a mapping, not a number"]);
});

Deno.test("a missing key is missing, whatever it should have been", () => {
  const schema = z.object({
    script: z.string(),
    mode: z.enum(["a", "b"]),
    kind: z.literal("x"),
    port: z.union([z.string(), z.int()]),
  });
  assert.deepEqual(lines(schema, {}), [
    'script: missing "script"',
    'mode: missing "mode"',
    'kind: missing "kind"',
    'port: missing "port"',
  ]);
  assert.equal(problemsOf(schema, {})[0]?.at, "key");
});

Deno.test("a mistyped required key is one problem, and not a missing key as well", () => {
  const schema = z.strictObject({ type: z.string(), name: z.string() });
  assert.deepEqual(lines(schema, { typ: "x" }), [
    'name: missing "name"',
    'typ: unknown key "typ" (did you mean "type"?)',
  ]);
});

Deno.test("choices are listed, and the nearest is the hint", () => {
  const schema = z.object({ onFailure: z.enum(["warn", "endLease", "exit"]) });
  assert.deepEqual(lines(schema, { onFailure: "warm" }), [
    'onFailure: "onFailure" must be "warn", "endLease" or "exit", not "warm" (did you mean "warn"?)',
  ]);
  assert.deepEqual(lines(schema, { onFailure: 3 }), [
    'onFailure: "onFailure" must be "warn", "endLease" or "exit", not 3',
  ]);
  const shapes = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("tcp") }),
    z.object({ kind: z.literal("udp") }),
  ]);
  assert.deepEqual(lines(shapes, { kind: "tpc" }), [
    'kind: "kind" must be "tcp" or "udp", not "tpc" (did you mean "tcp"?)',
  ]);
});

Deno.test("what alone may be there is not asked about as well", () => {
  const only = z.object({ kind: z.literal("ExporterConfig") });
  assert.deepEqual(lines(only, { kind: "ExporterConfg" }), [
    'kind: "kind" must be "ExporterConfig", not "ExporterConfg"',
  ]);
});

Deno.test("of a union, the alternative nearest to the value speaks", () => {
  assert.deepEqual(lines(z.object({ port: z.union([z.string(), z.int()]) }), { port: [] }), [
    'port: "port" must be a string or a whole number, not a list',
  ]);
  const schema = z.union([
    z.string(),
    z.strictObject({ kind: z.literal("tcp"), host: z.string(), port: z.int() }),
    z.strictObject({ kind: z.literal("unix"), path: z.string() }),
  ]);
  assert.deepEqual(lines(schema, { kind: "tcp", host: 5, port: "x" }), [
    'host: "host" must be a string, not a number (write it in quotes)',
    'port: "port" must be a whole number, not a string',
  ]);
});

Deno.test("limits and formats", () => {
  const schema = z.object({
    timeout: z.int().positive(),
    port: z.int().max(65535),
    step: z.number().multipleOf(5),
    name: z.string().min(1),
    key: z.string().length(4),
    hosts: z.array(z.string()).min(2),
    url: z.url(),
    mac: z.string().regex(/^[0-9a-f:]+$/),
  });
  const value = { timeout: 0, port: 65536, step: 3, name: "", key: "abc", hosts: ["a"], url: "nope", mac: "x" };
  assert.deepEqual(lines(schema, value), [
    'timeout: "timeout" must be more than 0, not 0',
    'port: "port" must be at most 65535, not 65536',
    'step: "step" must be a multiple of 5',
    'name: "name" must not be empty',
    'key: "key" must have at least 4 characters',
    'hosts: "hosts" must have at least 2 items',
    'url: "url" must be a valid url, not "nope"',
    'mac: "mac" must match /^[0-9a-f:]+$/, not "x"',
  ]);
});

Deno.test("what is no value of a kind is not measured as one", () => {
  const schema = z.object({
    name: z.string().min(2),
    either: z.union([z.string().min(2), z.object({ a: z.string() })]),
  });
  assert.deepEqual(lines(schema, { name: [], either: { a: 1 } }), [
    'name: "name" must be a string, not a list',
    'either.a: "a" must be a string, not a number (write it in quotes)',
  ]);
});

Deno.test("the words of a schema's author go before any of ours", () => {
  const schema = z.object({
    mac: z.string().regex(/^x$/, "must be six bytes, as 02:00:00:00:00:01"),
    size: z.string().refine(() => false, "a size needs a unit"),
    port: z.union([z.string(), z.int()], "must be a name or a number"),
    plain: z.string().refine(() => false),
  });
  assert.deepEqual(lines(schema, { mac: "", size: "", port: true, plain: "" }), [
    'mac: "mac" must be six bytes, as 02:00:00:00:00:01',
    'size: "size" is wrong: a size needs a unit',
    'port: "port" must be a name or a number',
    'plain: "plain" is not valid',
  ]);
});

Deno.test("a key that a record refuses", () => {
  const schema = z.record(z.string().regex(/^[a-z]+$/), z.int());
  assert.deepEqual(problemsOf(schema, { A1: 1 }), [
    { path: ["A1"], message: '"A1" must match /^[a-z]+$/', at: "key" },
  ]);
});

Deno.test("without the value the issues still say what they can", () => {
  const schema = z.strictObject({ timeout: z.int(), mode: z.enum(["a"]), name: z.string() });
  const result = schema.safeParse({ timeout: "5", mode: "b" });
  const problems = schemaProblems(schema, result.success ? [] : result.error.issues, ["config"]);
  assert.deepEqual(problems.map(({ path, message }) => [path.join("."), message]), [
    ["config.timeout", '"timeout" must be a whole number, not a string'],
    ["config.mode", '"mode" must be "a"'],
    ["config.name", 'missing "name"'],
  ]);
});

Deno.test("any other schema's issues are taken as they are", () => {
  const even: Schema<number> = {
    safeParse: (value) =>
      typeof value === "number" && value % 2 === 0 ? { success: true, data: value } : {
        success: false,
        error: { issues: [{ path: ["count"], message: "must be even" }, { path: [], message: "odd" }] },
      },
  };
  assert.deepEqual(lines(even, 3), ['count: "count" must be even', ": the value is wrong: odd"]);
});

Deno.test("a schema that holds itself ends", () => {
  type Tree = { name: string; inner?: Tree };
  const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ name: z.string(), inner: tree.optional() }));
  const endless: z.ZodType = z.lazy(() => z.union([z.lazy(() => z.string()), z.strictObject({ a: z.string() })]));
  assert.deepEqual(lines(tree, { name: "a", inner: { name: "b", inner: { nam: "c" } } }), [
    'inner.inner.nam: unknown key "nam" (did you mean "name"?)',
  ]);
  assert.equal(lines(endless, { other: 1 }).length, 2);
});

Deno.test("whatever the value, every problem has one line and a path under its prefix", () => {
  const schema = z.strictObject({
    a: z.int().min(1),
    b: z.union([z.string(), z.strictObject({ c: z.enum(["x", "y"]) })]),
    d: z.record(z.string(), z.array(z.boolean())),
  });
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ a: fc.jsonValue(), b: fc.jsonValue(), d: fc.jsonValue() }, { requiredKeys: [] }),
  );
  fc.assert(fc.property(value, (value) => {
    const result = schema.safeParse(value);
    if (result.success) return;
    const problems = schemaProblems(schema, result.error.issues, ["config"], value);
    assert.ok(problems.length > 0);
    for (const { path, message } of problems) {
      assert.equal(path[0], "config");
      assert.match(message, /\S/);
      assert.doesNotMatch(message, /undefined|\[object/);
    }
  }));
});
