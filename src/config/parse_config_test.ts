import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "yaml";
import { ConfigError } from "../errors.ts";
import type { ExporterConfig } from "./exporter_config.ts";
import { parseConfig } from "./parse_config.ts";

const HEAD = "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\nmetadata: {name: bench}\n";

function errorOf(text: string): ConfigError {
  try {
    parseConfig(text, "bench.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "the config was accepted" });
}

/** What is wrong with a text: one line for each problem, as a user sees it. */
function faults(text: string): string[] {
  return errorOf(text).message.split("\n").map((line) => line.replace("bench.yaml:", ""));
}

/** What is wrong with an `export` section; its first line is line 5 of the file. */
function exportFaults(section: string): string[] {
  return faults(`${HEAD}export:\n${section}\n`);
}

Deno.test("the smallest config gets every default", () => {
  const { config } = parseConfig("metadata: {name: bench}", "bench.yaml");
  assert.deepEqual(config, {
    apiVersion: "jumpstarter.dev/v1alpha1",
    kind: "ExporterConfig",
    metadata: { name: "bench" },
    tls: { insecure: false },
    export: {},
    hooks: {},
    failureDetection: { maxRapidFailures: 5, rapidFailureWindowMs: 60_000 },
    exitOnLeaseEnd: false,
  });
});

Deno.test("a whole config", () => {
  const { config } = parseConfig(
    `
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata: {namespace: lab, name: bench}
endpoint: grpc.example.com:443
token: secret
tls: {ca: Zm9v, insecure: true}
grpcOptions: {grpc.keepalive_time_ms: 20000, grpc.primary_user_agent: x}
description: The bench
motd: Welcome
export:
  board:
    description: The board
    children:
      power:
        type: jumpstarter_driver_power.driver.MockPower
        description: Its power
        methods_description: {on: Lets it run, off: Stops it}
        config: {pins: [1, 2], label: 0x10, on: yes, "y": y}
        children: {inner: {type: ./relay.ts#Relay}}
  power: {ref: board.power}
hooks:
  beforeLease: {script: j power on, exec: /bin/bash, timeout: 5, onFailure: endLease}
  afterLease: {script: j power off}
failureDetection: {maxRapidFailures: 2, rapidFailureWindow: 10}
exitOnLeaseEnd: true
`,
    "bench.yaml",
  );
  assert.deepEqual(config, {
    apiVersion: "jumpstarter.dev/v1alpha1",
    kind: "ExporterConfig",
    metadata: { namespace: "lab", name: "bench" },
    endpoint: "grpc.example.com:443",
    token: "secret",
    tls: { ca: "Zm9v", insecure: true },
    grpcOptions: { "grpc.keepalive_time_ms": 20000, "grpc.primary_user_agent": "x" },
    description: "The bench",
    motd: "Welcome",
    export: {
      board: {
        kind: "composite",
        description: "The board",
        children: {
          power: {
            kind: "driver",
            type: "jumpstarter_driver_power.driver.MockPower",
            description: "Its power",
            methodDescriptions: { on: "Lets it run", off: "Stops it" },
            config: { pins: [1, 2], label: 16, on: true, y: "y" },
            children: {
              inner: { kind: "driver", type: "./relay.ts#Relay", config: {}, children: {}, methodDescriptions: {} },
            },
          },
        },
      },
      power: { kind: "ref", ref: "board.power", target: ["board", "power"] },
    },
    hooks: {
      beforeLease: { script: "j power on", exec: "/bin/bash", timeoutMs: 5000, onFailure: "endLease" },
      afterLease: { script: "j power off", timeoutMs: 120_000, onFailure: "warn" },
    },
    failureDetection: { maxRapidFailures: 2, rapidFailureWindowMs: 10_000 },
    exitOnLeaseEnd: true,
  });
});

Deno.test("the spelling with underscores means the same", () => {
  const camel = `${HEAD}grpcOptions: {a: 1}
hooks:
  beforeLease: {script: a, onFailure: exit}
  afterLease: {script: b, onFailure: endLease}
failureDetection: {maxRapidFailures: 7, rapidFailureWindow: 8}
exitOnLeaseEnd: true
export: {power: {type: a.B, methodsDescription: {on: x}}}
`;
  const snake = camel.replace(
    /(grpcOptions|beforeLease|afterLease|onFailure|failureDetection|maxRapidFailures|rapidFailureWindow|exitOnLeaseEnd|methodsDescription)/g,
    (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
  assert.notEqual(camel, snake);
  assert.deepEqual(parseConfig(snake, "bench.yaml").config, parseConfig(camel, "bench.yaml").config);
});

Deno.test("a setting in both spellings is refused", () => {
  assert.deepEqual(
    faults(`${HEAD}hooks:
  beforeLease: {script: a}
  before_lease: {script: b}
  afterLease: {script: a, on_failure: warn, onFailure: warn}
exit_on_lease_end: true
exitOnLeaseEnd: true
`),
    [
      '6:3: "before_lease" and "beforeLease" are the same setting (keep one of them)',
      '7:27: "on_failure" and "onFailure" are the same setting (keep one of them)',
      '8:1: "exit_on_lease_end" and "exitOnLeaseEnd" are the same setting (keep one of them)',
    ],
  );
});

Deno.test("a key without a value is as good as none", () => {
  const text = `${HEAD}endpoint: null
token:
tls: {ca: ""}
grpcOptions:
description: ~
export: {power: {type: a.B, config: null, children: null, description: null, methods_description: null}}
hooks: {beforeLease: null, afterLease: {script: a, exec: null, timeout: null, onFailure: null}}
`;
  const plain = `${HEAD}export: {power: {type: a.B}}\nhooks: {afterLease: {script: a}}\n`;
  assert.deepEqual(parseConfig(text, "bench.yaml").config, parseConfig(plain, "bench.yaml").config);
});

Deno.test("every problem is reported, in the order of the file", () => {
  const error = errorOf(`apiVersion: jumpstarter.dev/v2
kind: Exporter
metadata: {nam: bench}
tls: []
hook:
  beforeLease: {script: x}
export:
  power:
    typ: x
hooks:
  before_lease:
    timeout: soon
    on_failure: warm
  afterLease:
    script: 5
    timeout: 0
failureDetection: {maxRapidFailures: 1.5, rapidFailureWindow: 99999999}
grpcOptions: {a: []}
exitOnLeaseEnd: "yes"
`);
  assert.deepEqual(error.message.split("\n"), [
    'bench.yaml:1:13: "apiVersion" must be "jumpstarter.dev/v1alpha1", not "jumpstarter.dev/v2"',
    'bench.yaml:2:7: "kind" must be "ExporterConfig", not "Exporter"',
    'bench.yaml:3:12: unknown key "nam" (did you mean "name"?)',
    'bench.yaml:4:6: "tls" must be a mapping, not a list',
    'bench.yaml:5:1: unknown key "hook" (did you mean "hooks"?)',
    'bench.yaml:9:5: unknown key "typ" (did you mean "type"?)',
    'bench.yaml:11:3: missing "script"',
    'bench.yaml:12:14: "timeout" must be a whole number, not a string',
    'bench.yaml:13:17: "onFailure" must be "warn", "endLease" or "exit", not "warm" (did you mean "warn"?)',
    'bench.yaml:15:13: "script" must be a string, not a number',
    'bench.yaml:16:14: "timeout" must be more than 0, not 0',
    'bench.yaml:17:38: "maxRapidFailures" must be a whole number, not 1.5',
    'bench.yaml:17:63: "rapidFailureWindow" must be at most 2147483, not 99999999',
    'bench.yaml:18:18: "a" must be a string or a whole number, not a list',
    'bench.yaml:19:17: "exitOnLeaseEnd" must be true or false, not a string',
  ]);
  assert.equal(error.code, "config");
  assert.equal(error.source, "bench.yaml");
  assert.deepEqual(error.problems[4], {
    message: 'unknown key "hook"',
    path: ["hook"],
    line: 5,
    column: 1,
    hint: 'did you mean "hooks"?',
  });
});

Deno.test("metadata and its name are required, the namespace is not", () => {
  assert.deepEqual(faults("# a comment\nkind: ExporterConfig\n"), ['2:1: missing "metadata"']);
  assert.deepEqual(faults("kind: ExporterConfig\nmetadata: {namespace: lab}\n"), ['2:1: missing "name"']);
  assert.deepEqual(faults("metadata: {name: 5}\n"), ['1:18: "name" must be a string, not a number']);
});

Deno.test("what is not an entry", () => {
  assert.deepEqual(
    exportFaults(`  a.b: {type: x}
  "": {type: x}
  number: 5
  nothing:
  empty: {}
  described: {description: x}
  typ: {typ: x, confg: {}}
  group: {children: {inner: {typ: x}}, descripton: x}
  ref: {reff: group}
  both: {ref: group, children: {}}
  odd: {foo: 1}
  wrong: {type: 5, config: [], children: 3, methods_description: {on: 5}}`),
    [
      '5:3: the name "a.b" has a dot in it (dots join the names on a path to a device)',
      "6:3: a device needs a name",
      '7:11: "number" must be a mapping with "type", "children" or "ref"',
      '8:3: "nothing" must be a mapping with "type", "children" or "ref"',
      '9:3: "empty" needs a "type", "children" or a "ref"',
      '10:3: "described" needs a "type", "children" or a "ref"',
      '11:9: unknown key "typ" (did you mean "type"?)',
      '11:17: unknown key "confg" (did you mean "config"?)',
      '12:30: unknown key "typ" (did you mean "type"?)',
      '12:40: unknown key "descripton" (did you mean "description"?)',
      '13:9: unknown key "reff" (did you mean "ref"?)',
      '14:22: unknown key "children" (known keys: ref)',
      '15:3: missing "type"',
      '15:9: unknown key "foo" (known keys: type, config, children, description, methodsDescription)',
      '16:17: "type" must be a string, not a number',
      '16:28: "config" must be a mapping, not a list',
      '16:42: "children" must be a mapping, not a number',
      '16:71: "on" must be a string, not a number',
    ],
  );
});

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
      '9:12: "ref" must not be empty',
      '10:12: "ref" must be a string, not a list',
    ],
  );
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

Deno.test("a text that is not one mapping of YAML", () => {
  const empty = '1:1: the file is empty (a config starts with "apiVersion" and "kind")';
  const second = "a second document starts here (a config is one document; put the others into files of their own)";
  assert.deepEqual(faults(""), [empty]);
  assert.deepEqual(faults("# nothing\n"), [empty]);
  assert.deepEqual(faults("[1, 2]"), ["1:1: a config must be a mapping, not a list"]);
  assert.deepEqual(faults("\n  word"), ["2:3: a config must be a mapping, not a single value"]);
  assert.deepEqual(faults(`${HEAD}---\n${HEAD}`), [`4:1: ${second}`]);
  assert.deepEqual(faults("a:\n\tb: 1\n"), ["2:1: a tab cannot indent (use spaces)"]);
  assert.deepEqual(faults("a: b: c\nd: @e\n"), [
    '1:4: a mapping cannot start in the middle of a line (quote a text that has ": " in it)',
    "2:4: Plain value cannot start with reserved character @ (quote the text)",
  ]);
  assert.deepEqual(faults('a: "b\n'), ['2:1: Missing closing "quote']);
});

Deno.test("what YAML allows and a config does not", () => {
  assert.deepEqual(
    faults(`${HEAD}token: a
token: b
tls: !vault {}
endpoint: *nowhere
? [a]
: 1
__proto__: {}
export: &all
  a: {type: x, config: {all: *all}}
<<: 5
description: !!int five
`),
    [
      '5:1: "token" is given twice (the second would replace the first)',
      '6:13: the tag "!vault" does not fit here (leave it out)',
      '7:11: no anchor "&nowhere" stands before this alias',
      "8:3: a key must be a word, not a list or mapping",
      '10:1: "__proto__" cannot be a key',
      '12:30: "*all" stands for a value that holds itself',
      '13:1: "<<" takes a mapping or a list of mappings',
      '14:20: the tag "!!int" does not fit here (leave it out)',
    ],
  );
});

Deno.test("aliases and depth have their bounds", () => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(", ")}]`;
  const bomb = [
    level("a", "x"),
    level("b", "*a"),
    level("c", "*b"),
    level("d", "*c"),
    level("e", "*d"),
    level("f", "*e"),
  ];
  const found = faults(`${HEAD}${bomb.join("\n")}\n`).filter((line) => !line.includes("unknown key"));
  assert.deepEqual(found, ["7:36: the aliases stand for more than 10000 values"]);
  assert.deepEqual(exportFaults(`  a: {type: x, config: {y: ${"[".repeat(70)}${"]".repeat(70)}}}`), [
    "5:88: nested too deeply",
  ]);
  assert.match(faults("[".repeat(200_000))[0] ?? "", /^1:\d+: nested too deeply$/);
});

Deno.test("a text of more than 1 MiB is refused unread", () => {
  const text = (size: number) => `${HEAD}#`.padEnd(size, "x");
  assert.equal(errorOf(text(1024 * 1024 + 1)).message, "bench.yaml: larger than 1 MiB, which no config is");
  assert.equal(errorOf(text(1024 * 1024 - 1) + "é").message, "bench.yaml: larger than 1 MiB, which no config is");
  assert.equal(parseConfig(text(1024 * 1024), "bench.yaml").config.metadata.name, "bench");
});

Deno.test("words, merge keys and a byte order mark are read as PyYAML reads them", () => {
  const { config } = parseConfig(
    `\ufeff${HEAD}export:
  base: {type: x, config: &base {speed: 115200, parity: no, mode: 0777}}
  more: {type: x, config: {<<: *base, parity: y, at: 1:30, date: 2024-01-01, exp: 1e3, "on": off, text: "no"}}
  two: {type: x, config: {<<: [{a: 1}, {a: 2, b: 2}], b: 3}}
`,
    "bench.yaml",
  );
  const configs = Object.values(config.export).map((entry) => entry.kind === "driver" ? entry.config : undefined);
  assert.deepEqual(configs, [
    { speed: 115200, parity: false, mode: 511 },
    { parity: "y", at: 90, date: "2024-01-01", exp: "1e3", on: false, text: "no", speed: 115200, mode: 511 },
    { b: 3, a: 1 },
  ]);
});

Deno.test("locate points at values and keys, in either spelling and through merges", () => {
  const { locate, problemsAt } = parseConfig(
    `${HEAD}hooks:
  before_lease:
    script: j power on
export:
  base: {type: x, config: &base {host: a}}
  power:
    type: y
    config:
      <<: *base
      ports: [1, 22]
      empty:
`,
    "bench.yaml",
  );
  assert.deepEqual(locate(["export", "power", "type"]), { line: 10, column: 11 });
  assert.deepEqual(locate(["export", "power", "type"], "key"), { line: 10, column: 5 });
  assert.deepEqual(locate(["export", "power", "config", "ports", 1]), { line: 13, column: 18 });
  assert.deepEqual(locate(["export", "power", "config", "host"]), { line: 8, column: 40 });
  assert.deepEqual(locate(["export", "power", "config", "empty"]), { line: 14, column: 7 });
  assert.deepEqual(locate(["hooks", "beforeLease", "script"]), { line: 6, column: 13 });
  assert.deepEqual(locate(["hooks", "before_lease"], "key"), { line: 5, column: 3 });
  assert.deepEqual(locate([]), { line: 1, column: 1 });
  assert.equal(locate(["export", "power", "config", "nothing"]), undefined);
  assert.equal(locate(["hooks", "afterLease"]), undefined);
  const later = [
    { path: ["export", "power", "config", "nothing"], message: 'missing "nothing"', at: "key" as const },
    { path: ["export", "base", "type"], message: 'unknown driver type "x"', hint: "did you mean y?" },
  ];
  assert.deepEqual(problemsAt(later), [
    { path: later[1]?.path, message: 'unknown driver type "x"', line: 8, column: 16, hint: "did you mean y?" },
    { path: later[0]?.path, message: 'missing "nothing"', line: 11, column: 5 },
  ]);
});

Deno.test("a config is frozen to its last leaf", () => {
  const { config } = parseConfig(`${HEAD}export: {a: {type: x, config: {b: [{c: 1}]}}, r: {ref: a}}`, "bench.yaml");
  const check = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    assert.ok(Object.isFrozen(value));
    Object.values(value).forEach(check);
  };
  check(config);
});

/** Accepts a text, or throws a ConfigError whose problems all have a place. */
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
      survives(stringify(data, { version: "1.1" }));
      survives(stringify({ metadata: { name: "bench" }, export: data }, { version: "1.1" }));
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
    },
    { requiredKeys: ["metadata", "export"] },
  );
  fc.assert(fc.property(file, (file) => {
    const { config } = parseConfig(stringify(file, { version: "1.1" }), "any.yaml");
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
