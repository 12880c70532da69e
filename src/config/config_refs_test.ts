import assert from "node:assert/strict";
import { exportFaults, HEAD, parseConfig } from "./faults_test.ts";

Deno.test("the proxy type of the Python implementation is a reference", () => {
  const of = (entry: string) => parseConfig(`${HEAD}export: {a: {type: x}, b: ${entry}}`, "bench.yaml").config.export.b;
  const proxy = "type: jumpstarter_driver_composite.driver.Proxy";
  assert.deepEqual(of(`{${proxy}, config: {ref: a}}`), of("{ref: a}"));
  assert.deepEqual(of(`{${proxy}, config: {ref: a}, children: {}, description: null}`), of("{ref: a}"));
  assert.deepEqual(exportFaults(`  b: {${proxy}}`), ['5:3: missing "config"']);
  assert.deepEqual(exportFaults(`  b: {${proxy}, config: {reff: a}}`), [
    '5:65: unknown key "reff" (did you mean "ref"?)',
  ]);
});

Deno.test("a reference is followed to its end, through other references too", () => {
  const { config } = parseConfig(
    `${HEAD}export:
  board: {children: {power: {type: x, children: {relay: {type: y}}}, usual: {ref: board.power}}}
  bench: {ref: board}
  power: {ref: bench.power}
  relay: {ref: bench.usual.relay}
`,
    "bench.yaml",
  );
  const targets = Object.entries(config.export).map((
    [name, entry],
  ) => [name, entry.kind === "ref" ? entry.target : []]);
  assert.deepEqual(Object.fromEntries(targets), {
    board: [],
    bench: ["board"],
    power: ["board", "power"],
    relay: ["board", "power", "relay"],
  });
});

Deno.test("a reference that leads nowhere", () => {
  assert.deepEqual(
    exportFaults(`  bench: {children: {power: {type: x}}}
  a: {ref: bench.powr}
  b: {ref: elsewhere.entirely}
  c: {ref: bench..power}
  d: {ref: ""}
  e: {ref: [bench]}`),
    [
      '6:12: "ref" leads nowhere: there is no "bench.powr" (did you mean "bench.power"?)',
      '7:12: "ref" leads nowhere: there is no "elsewhere.entirely"',
      '8:12: "ref" leads nowhere: there is no "bench..power" (did you mean "bench.power"?)',
      '9:12: "ref" must not be empty',
      '10:12: "ref" must be a string, not a list',
    ],
  );
  // What may yet be there, once its own fault is mended, is not said to be missing.
  assert.deepEqual(exportFaults("  five: 5\n  a: {ref: five.x}\n  b: {ref: five}"), [
    '5:9: "five" must be a mapping with "type", "children" or "ref"',
  ]);
  assert.deepEqual(
    exportFaults(`  bench: {children: {power: {type: x}}}
  a: {ref: bench.powr}
  b: {ref: elsewhere.entirely}
  c: {ref: bench..power}
  d: {ref: a}`),
    [
      '6:12: "ref" leads nowhere: there is no "bench.powr" (did you mean "bench.power"?)',
      '7:12: "ref" leads nowhere: there is no "elsewhere.entirely"',
      '8:12: "ref" leads nowhere: there is no "bench..power" (did you mean "bench.power"?)',
    ],
  );
});

Deno.test("a reference that leads in a circle shows the circle, once", () => {
  assert.deepEqual(exportFaults("  a: {ref: b}\n  b: {ref: a}\n  c: {ref: a}"), [
    '5:12: "ref" leads in a circle: a -> b -> a',
  ]);
  assert.deepEqual(exportFaults("  a: {ref: a}\n  b: {ref: b.c}"), [
    '5:12: "ref" leads in a circle: a -> a',
    '6:12: "ref" leads in a circle: b -> b',
  ]);
  // A group that holds a reference to itself would be a tree without end.
  assert.deepEqual(exportFaults("  a: {children: {b: {children: {c: {ref: a}}}}}"), [
    '5:42: "ref" leads in a circle: a -> a.b -> a.b.c -> a',
  ]);
  assert.deepEqual(exportFaults("  a: {children: {x: {ref: b}}}\n  b: {type: t, children: {y: {ref: a}}}"), [
    '5:27: "ref" leads in a circle: a -> a.x -> b -> b.y -> a',
  ]);
});

Deno.test("references cannot stand for a tree without bounds", () => {
  const doubling = Array.from(
    { length: 40 },
    (_, i) => `  a${i}: {children: {x: {ref: a${i + 1}}, y: {ref: a${i + 1}}}}`,
  );
  assert.deepEqual(exportFaults([...doubling, "  a40: {type: x}"].join("\n")), [
    "4:1: the references make a tree of more than 10000 devices",
  ]);
  const chain = Array.from({ length: 30_000 }, (_, i) => `  a${i}: {ref: a${i + 1}}`);
  assert.match(
    exportFaults([...chain, "  a30000: {type: x}"].join("\n"))[0] ?? "",
    /from one to the next more than 200 times/,
  );
});
