import assert from "node:assert/strict";
import fc from "fast-check";
import { z as z4 } from "zod";
import { z as z3 } from "zod/v3";
import type { Schema } from "./schema.ts";
import { schemaProblems } from "./schema_problems.ts";

/** Each problem as `path: message (hint)`. */
function lines<T>(schema: Schema<T>, value: unknown): string[] {
  const result = schema.safeParse(value);
  const problems = result.success ? [] : schemaProblems(schema, result.error.issues, [], value);
  return problems.map(({ path, message, hint }) =>
    `${path.join(".")}: ${message}${hint === undefined ? "" : ` (${hint})`}`
  );
}

/** A schema with all that both versions spell the same. */
function everything(z: typeof z3): Schema<unknown> {
  const port = z.object({ baudrate: z.number().int().positive().max(100) }).strict();
  return z.object({
    name: z.string().min(2).max(4),
    count: z.number().int().optional(),
    ratio: z.number().lt(2).multipleOf(0.5).optional(),
    on: z.boolean().nullable().default(null),
    mode: z.enum(["host", "dut", "off"]).optional(),
    version: z.literal("v1").optional(),
    pins: z.array(z.string()).min(1).max(2).nullish(),
    labels: z.record(z.string(), z.number()).optional(),
    port: port.optional(),
    lazy: z.lazy(() => port).optional(),
    both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })).optional(),
    pair: z.tuple([z.string(), port]).optional(),
    branded: port.brand("branded").optional(),
    readonly: port.readonly().optional(),
    size: z.union([z.string(), z.boolean()]).optional(),
    steps: z.union([z.string(), z.array(port)]).optional(),
    choice: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("serial"), port }).strict(),
      z.object({ kind: z.literal("tcp"), host: z.string() }).strict(),
    ]).optional(),
    mail: z.string().email().optional(),
    own: z.string().regex(/^a/, "must begin with an a").optional(),
    checked: z.string().refine((text) => text !== "no", "must not be no").optional(),
    changed: z.string().transform((text) => text.length).optional(),
  }).strict() as unknown as Schema<unknown>;
}

const ofZod3 = everything(z3);
const ofZod4 = everything(z4 as unknown as typeof z3);

Deno.test("a schema of zod 3 says what the same schema of zod 4 says", () => {
  const wrong = {
    nam: "x",
    count: "5",
    ratio: 3,
    on: "yes",
    mode: "hots",
    version: "v2",
    pins: [],
    labels: { a: "b" },
    port: { baudrat: 1 },
    lazy: { baudrate: 1.5 },
    both: { a: 1 },
    pair: ["a", { baudrate: 0 }],
    branded: 7,
    readonly: { baudrate: 101 },
    size: [],
    steps: [{ baudrate: 1 }, { baudrate: "1" }],
    choice: { kind: "seriel" },
    mail: "nobody",
    own: "b",
    checked: "no",
    changed: 1,
  };
  const said = lines(ofZod3, wrong);
  assert.deepEqual(said, lines(ofZod4, wrong));
  assert.ok(said.includes('nam: unknown key "nam" (did you mean "name"?)'), said.join("\n"));
  assert.ok(said.includes('port.baudrat: unknown key "baudrat" (did you mean "baudrate"?)'), said.join("\n"));
});

Deno.test("whatever the value, both versions say the same of it", () => {
  const port = fc.record({ baudrate: fc.constantFrom(1, 0, 1.5, 101, "1"), x: fc.constant(1) }, { requiredKeys: [] });
  const plain = fc.constantFrom<unknown>("a", "abc", "abcde", "", 0, 1, 1.5, 2, -1, true, null, [], {}, ["a"], [1]);
  const value = fc.oneof(plain, port, fc.array(port, { maxLength: 2 }));
  const keys = ["count", "ratio", "on", "mode", "version", "pins", "labels", "port", "lazy", "both", "pair", "branded"];
  const more = ["readonly", "size", "steps", "choice", "mail", "own", "checked", "changed", "name", "nmae"];
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...keys, ...more), value), (given) => {
    assert.deepEqual(lines(ofZod3, given).toSorted(), lines(ofZod4, given).toSorted());
  }));
});
