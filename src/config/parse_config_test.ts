import assert from "node:assert/strict";
import { errorOf, exportFaults, faults, HEAD, parseConfig } from "./faults_test.ts";

Deno.test("the smallest config gets every default", () => {
  const { config } = parseConfig("metadata: {name: bench}", "bench.yaml");
  assert.deepEqual(config, {
    apiVersion: "jumpstarter.dev/v1alpha1",
    kind: "ExporterConfig",
    metadata: { name: "bench" },
    tls: { insecure: false },
    export: {},
    hooks: { scope: "exporter" },
    failureDetection: { maxRapidFailures: 5, rapidFailureWindowMs: 60_000 },
    exitOnLeaseEnd: false,
    exclusive: false,
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
        required: true
        children: {inner: {type: ./relay.ts#Relay}}
  power: {ref: board.power}
hooks:
  scope: session
  beforeLease: {script: j power on, exec: /bin/bash, timeout: 5, onFailure: endLease}
  afterLease: {scriptFile: off.py, exec: [python3, -u]}
failureDetection: {maxRapidFailures: 2, rapidFailureWindow: 10}
exitOnLeaseEnd: true
exclusive: true
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
            isRequired: true,
            children: {
              inner: {
                kind: "driver",
                type: "./relay.ts#Relay",
                config: {},
                children: {},
                isRequired: false,
                methodDescriptions: {},
              },
            },
          },
        },
      },
      power: { kind: "ref", ref: "board.power", target: ["board", "power"] },
    },
    hooks: {
      scope: "session",
      beforeLease: { script: "j power on", exec: "/bin/bash", timeoutMs: 5000, onFailure: "endLease" },
      afterLease: { scriptFile: "off.py", exec: ["python3", "-u"], timeoutMs: 120_000, onFailure: "warn" },
    },
    failureDetection: { maxRapidFailures: 2, rapidFailureWindowMs: 10_000 },
    exitOnLeaseEnd: true,
    exclusive: true,
  });
});

Deno.test("the spelling with underscores means the same", () => {
  const camel = `${HEAD}grpcOptions: {a: 1}
hooks:
  beforeLease: {script: a, onFailure: exit}
  afterLease: {scriptFile: b, onFailure: endLease}
failureDetection: {maxRapidFailures: 7, rapidFailureWindow: 8}
exitOnLeaseEnd: true
export: {power: {type: a.B, methodsDescription: {on: x}}}
`;
  const snake = camel.replace(
    /(grpcOptions|beforeLease|afterLease|scriptFile|onFailure|failureDetection|maxRapidFailures|rapidFailureWindow|exitOnLeaseEnd|methodsDescription)/g,
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
    'bench.yaml:11:3: "script" must be given, unless "scriptFile" is',
    'bench.yaml:12:14: "timeout" must be a whole number, not a string',
    'bench.yaml:13:17: "onFailure" must be "warn", "endLease" or "exit", not "warm" (did you mean "warn"?)',
    'bench.yaml:15:13: "script" must be a string, not a number (write it in quotes)',
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

Deno.test("a hook has one script, and a program that runs it", () => {
  assert.deepEqual(
    faults(`${HEAD}hooks:
  scope: client
  beforeLease: {script: a, scriptFile: b.sh, exec: []}
  afterLease: {exec: [python3, 3], timeout: 1, onFailure: 1}
`),
    [
      '5:10: "scope" must be "exporter" or "session", not "client"',
      '6:40: "scriptFile" must not stand beside "script"',
      '6:52: "exec" must not be empty',
      '7:3: "script" must be given, unless "scriptFile" is',
      '7:32: "exec[1]" must be a string, not a number (write it in quotes)',
      '7:59: "onFailure" must be "warn", "endLease" or "exit", not 1',
    ],
  );
});

Deno.test("metadata and its name are required, the namespace is not", () => {
  assert.deepEqual(faults("# a comment\nkind: ExporterConfig\n"), ['2:1: missing "metadata"']);
  assert.deepEqual(faults("kind: ExporterConfig\nmetadata: {namespace: lab}\n"), ['2:1: missing "name"']);
  assert.deepEqual(faults("metadata: {name: 5}\n"), [
    '1:18: "name" must be a string, not a number (write it in quotes)',
  ]);
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
      '15:9: unknown key "foo" (known keys: type, config, children, integrity, required, description, methodsDescription)',
      '16:17: "type" must be a string, not a number (write it in quotes)',
      '16:28: "config" must be a mapping, not a list',
      '16:42: "children" must be a mapping, not a number',
      '16:71: "on" must be a string, not a number (write it in quotes)',
    ],
  );
});
