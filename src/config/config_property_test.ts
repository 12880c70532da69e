import assert from "node:assert/strict";
import fc from "fast-check";
import { dump, YAML11_SCHEMA } from "js-yaml";
import { ConfigError } from "../errors.ts";
import type { ExporterConfig } from "./exporter_config.ts";
import { parseConfig } from "./faults_test.ts";

function survives(text: string): void {
  try {
    parseConfig(text, "any.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(error.problems.length > 0);
    for (const { line = 0, column = 0 } of error.problems) assert.ok(line >= 1 && column >= 1);
    const places = error.problems.map(({ line = 0, column = 0 }) => line * 1e7 + column);
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
  }
}

Deno.test("no text makes anything but a ConfigError", () => {
  const piece = fc.constantFrom(
    ...["export", "ref", "type", "children", "hooks", "metadata", "name", "a", "b", "a.b", "__proto__", "constructor"],
    ...[
      ": ",
      ":\n  ",
      "\n",
      "\n- ",
      "{",
      "}",
      "[",
      "]",
      ", ",
      "&a ",
      "*a",
      "<<: ",
      "? ",
      "!!int ",
      "!x ",
      "|\n ",
      "'",
      '"',
    ],
    ...["\t", "---\n", "...\n", "%YAML 1.2\n", "#", "@", "~", "\ufeff", "\r\n", "\0", "\ud800"],
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")), survives), {
    numRuns: 1000,
  });
  fc.assert(fc.property(fc.string({ unit: "binary" }), survives), { numRuns: 300 });
});

Deno.test("no data makes anything but a ConfigError", () => {
  const keys = [
    "apiVersion",
    "metadata",
    "export",
    "hooks",
    "tls",
    "type",
    "ref",
    "children",
    "config",
    "name",
    "beforeLease",
    "before_lease",
    "a",
  ];
  const { data } = fc.letrec((tie) => ({
    data: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(fc.constantFrom(...keys), tie("data")),
    ),
  }));
  fc.assert(
    fc.property(data, (data) => {
      survives(JSON.stringify(data));
      survives(dump(data, { schema: YAML11_SCHEMA }));
      survives(dump({ metadata: { name: "bench" }, export: data }, { schema: YAML11_SCHEMA }));
    }),
    { numRuns: 500 },
  );
});

Deno.test("a config that is written is read back", () => {
  // The package writes the key "<<" without the quotes that keep it from being a merge.
  const name = fc.string({ minLength: 1 }).filter((text) => !/[.]|^__proto__$|^<<$/.test(text));
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const config = fc.dictionary(name, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text)));
  const { entries } = fc.letrec((tie) => ({
    entries: fc.dictionary(name, tie("entry"), { maxKeys: 4, noNullPrototype: true }),
    entry: fc.oneof(
      { maxDepth: 3 },
      fc.record({ type: text, config, description: text, methods_description: fc.dictionary(name, text) }),
      fc.record({ children: tie("entries") }),
    ),
  }));
  const hook = fc.record(
    {
      script: text,
      timeout: fc.integer({ min: 1, max: 9999 }),
      onFailure: fc.constantFrom("warn", "endLease", "exit"),
    },
    { requiredKeys: ["script"] },
  );
  const file = fc.record(
    {
      metadata: fc.record({ name: text }),
      description: text,
      export: entries,
      hooks: fc.record({ beforeLease: hook, afterLease: hook }, { requiredKeys: [] }),
      exitOnLeaseEnd: fc.boolean(),
      exclusive: fc.boolean(),
    },
    { requiredKeys: ["metadata", "export"] },
  );
  fc.assert(fc.property(file, (file) => {
    const { config } = parseConfig(dump(file, { schema: YAML11_SCHEMA }), "any.yaml");
    const hookOf = ({ timeoutMs, ...hook }: NonNullable<ExporterConfig["hooks"]["beforeLease"]>) => ({
      timeout: timeoutMs / 1000,
      ...hook,
    });
    assert.equal(config.metadata.name, file.metadata.name);
    assert.equal(config.description, file.description);
    assert.deepEqual(entriesOf(config.export), entriesOf(file.export as Entries));
    for (const name of ["beforeLease", "afterLease"] as const) {
      const written = file.hooks?.[name];
      const read = config.hooks[name];
      assert.deepEqual(read && hookOf(read), written && { timeout: 120, onFailure: "warn", ...written });
    }
  }));
});

type Entries = Record<string, Record<string, unknown>>;

/** Entries without what only one of file and config has. */
function entriesOf(entries: unknown): unknown {
  return Object.fromEntries(
    Object.entries(entries as Entries).map(([name, entry]) => [name, {
      type: entry.type,
      config: { ...entry.config as object },
      methods: { ...(entry.methods_description ?? entry.methodDescriptions) as object },
      description: entry.description,
      children: entriesOf(entry.children ?? {}),
    }]),
  );
}
