import assert from "node:assert/strict";
import { errorOf, exportFaults, faults, HEAD, parseConfig } from "./faults_test.ts";

Deno.test("a text that is not one mapping of YAML", () => {
  const empty = '1:1: the file is empty (a config starts with "apiVersion" and "kind")';
  const second = "a second document starts here (a config is one document; put the others into files of their own)";
  assert.deepEqual(faults(""), [empty]);
  assert.deepEqual(faults("# nothing\n"), [empty]);
  assert.deepEqual(faults("[1, 2]"), ["1:1: a config must be a mapping, not a list"]);
  assert.deepEqual(faults("\n  word"), ["2:3: a config must be a mapping, not a single value"]);
  assert.deepEqual(faults(`${HEAD}---\n${HEAD}`), [`4:1: ${second}`]);
  assert.deepEqual(faults(`${HEAD}...\n# more\nname: b\n`), [`4:1: ${second}`]);
});

Deno.test("broken syntax is told in plain words, at its place", () => {
  const cases: [text: string, fault: string][] = [
    ["a:\n\tb: 1\n", "2:1: a tab cannot indent (use spaces)"],
    ["a: b: c\n", '1:5: a mapping cannot begin in the middle of a line (quote a text that has ": " in it)'],
    ["a: 1\nd: @e\n", '2:4: a value cannot begin with "@" (quote the text)'],
    ["a: - b\n", "1:4: a list cannot begin in the middle of a line (quote the text, or begin a line)"],
    ['a: "b\n', '2:1: indented less than what is still open (close the quote, the "[" or the "{" before)'],
    ["a: 'b", "1:6: the closing quote is missing"],
    ["a: [b, c", '1:9: the closing "]" or "}" is missing'],
    ["a: {b: [}", '1:9: a comma is missing (or the closing "]" or "}" does not fit the opening one)'],
    ['a: "\\q"\n', String.raw`1:6: no such escape (write "\\" for a backslash, or use single quotes)`],
    ["a: *\n", "1:5: a name is missing (quote a text that begins with & or *)"],
    ["a: 1\n  b: 2\n", '2:4: a mapping cannot begin in the middle of a line (quote a text that has ": " in it)'],
    [
      "a:\n  - b\n c: 1\n",
      "3:2: this does not belong here (a colon may be missing above, or the indentation differs from that of its neighbours)",
    ],
  ];
  for (const [text, fault] of cases) assert.deepEqual(faults(text), [fault], text);
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
