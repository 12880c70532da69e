/**
 * Shows on made-up sources that each rule finds what it is for, and nothing else.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as rules from "./rules.ts";
import { parseSource, type Sources } from "./source.ts";

/** Sources from their texts. */
function sourcesOf(texts: Readonly<Record<string, string>>): Sources {
  return new Map(Object.entries(texts).map(([path, text]) => [path, parseSource(path, text)]));
}

Deno.test("a pattern's star is one name, two are anything", () => {
  assert.equal(rules.matches("src/rpc/call.ts", "src/rpc/*"), true);
  assert.equal(rules.matches("src/rpc/deep/call.ts", "src/rpc/*"), false);
  assert.equal(rules.matches("src/rpc/deep/call.ts", "src/**"), true);
  assert.equal(rules.matches("drivers/power/power_test.ts", "drivers/*/*_test.ts"), true);
  assert.equal(rules.matches("srcXts", "src.ts"), false);
});

Deno.test("every import and re-export is seen, with its kind", () => {
  const { imports } = parseSource(
    "src/rpc/call.ts",
    `import a, { type B } from "./a.ts";
     import type { C } from "../log.ts";
     import { type D, type E } from "npm:zod@4/mini";
     import "@bufbuild/protobuf/wkt";
     export * from "./f.ts";
     export type * from "./g.ts";
     export { type H } from "./h.ts";
     type I = import("node:net").Socket;
     const j = await import("jsr:@std/yaml@1/parse");`,
  );
  assert.deepEqual(imports.map(({ target, kind }) => `${kind} ${target}`), [
    "code src/rpc/a.ts",
    "type src/log.ts",
    "type zod",
    "code @bufbuild/protobuf",
    "code src/rpc/f.ts",
    "type src/rpc/g.ts",
    "type src/rpc/h.ts",
    "type node:net",
    "dynamic @std/yaml",
  ]);
});

Deno.test("comments and strings touch nothing", () => {
  const { imports, globals, hasComputedImport } = parseSource(
    "src/log.ts",
    `/** console.log(1); import "zod"; */
     // Deno.exit(1)
     const text = "Deno.exit(1)" + 'import("x" + y)' + \`console.log(1) \${1} /* \`;
     const pattern = /["'] console.log(1)/;`,
  );
  assert.deepEqual([imports, globals, hasComputedImport], [[], [], false]);
});

Deno.test("a file in no room is found", () => {
  const sources = sourcesOf({
    "src/log.ts": "",
    "src/attic/a.ts": "",
    "drivers/stray.ts": "",
    "drivers/power/mod.ts": "",
  });
  assert.deepEqual(rules.strayFiles(sources), [
    "src/attic/a.ts is in no room of the plan",
    "drivers/stray.ts is in no room of the plan",
  ]);
});

Deno.test("imports that go up or sideways are found, also those of types", () => {
  const sources = sourcesOf({
    "cli.ts": `import "./src/cli/mod.ts"; import "./drivers/mod.ts";`,
    "src/errors.ts": `import type { Pb } from "../proto/mod.ts";`,
    "src/rpc/call.ts": `import type { Driver } from "../driver/mod.ts"; import "../errors.ts"; import "./status.ts";`,
    "src/client/report.ts": `const late = await import("../cli/mod.ts"); import "../rpc/mod.ts";`,
    "drivers/power/client.ts": `import "../network/mod.ts"; import "../../src/driver/mod.ts";`,
    "src/hooks/run.ts": `import "../../tests/fixtures/hook.ts";`,
  });
  assert.deepEqual(rules.importsNotDown(sources), [
    "src/errors.ts imports proto/mod.ts, which goes sideways from ground to proto",
    "src/rpc/call.ts imports src/driver/mod.ts, which goes sideways from src/rpc to src/driver",
    "src/client/report.ts imports src/cli/mod.ts, which goes up from src/client to src/cli",
    "drivers/power/client.ts imports drivers/network/mod.ts, which goes sideways from drivers/power to drivers/network",
    "src/hooks/run.ts imports tests/fixtures/hook.ts, which goes up from src/hooks to roof",
  ]);
});

Deno.test("drivers that know more than the contract are found, and a program that knows drivers", () => {
  const sources = sourcesOf({
    "drivers/mod.ts": `import "./power/mod.ts"; import "./power/client.ts"; import "../src/driver/mod.ts";`,
    "drivers/power/driver.ts": `import "../../src/config/mod.ts"; import "../../src/log.ts"; import "./client.ts";`,
    "src/cli/jmp_run.ts":
      `import "../../drivers/power/mod.ts"; import "../exporter/mod.ts"; import "../../proto/mod.ts";`,
  });
  assert.deepEqual(rules.importsTooWide(sources), [
    "drivers/mod.ts imports drivers/power/client.ts, but the list of drivers knows nothing but the drivers' doors",
    "drivers/power/driver.ts imports src/config/mod.ts, but a driver is written against src/driver and the ground alone",
    "src/cli/jmp_run.ts imports drivers/power/mod.ts, but no part of the program names a driver; the roof hands them in",
  ]);
});

Deno.test("ways past a door are found, and uses of one's own", () => {
  const sources = sourcesOf({
    "src/client/connect.ts": `import "../rpc/channel.ts"; import "../rpc/mod.ts"; import "../errors.ts";`,
    "src/rpc/call.ts": `import type { Channel } from "./mod.ts"; import "../../proto/gen/a.ts";`,
    "mod.ts": `import "./drivers/power/client.ts"; import "./drivers/power/driver.ts"; import "./cli.ts";`,
  });
  assert.deepEqual(rules.importsPastDoors(sources, ["drivers/power/client.ts"]), [
    "src/client/connect.ts imports src/rpc/channel.ts past the door src/rpc/mod.ts",
    "src/rpc/call.ts imports its own door, src/rpc/mod.ts",
    "src/rpc/call.ts imports proto/gen/a.ts past the door proto/mod.ts",
    "mod.ts imports drivers/power/driver.ts past the door drivers/power/mod.ts",
  ]);
});

Deno.test("cycles are found, of types and late imports too, and a file that is reached twice is none", () => {
  const sources = sourcesOf({
    "src/a.ts": `import type { B } from "./b.ts"; import "./d.ts";`,
    "src/b.ts": `const c = await import("./c.ts"); import "./d.ts";`,
    "src/c.ts": `import "./b.ts";`,
    "src/d.ts": `import "zod";`,
  });
  assert.deepEqual(rules.cycles(sources), ["a cycle: src/b.ts → src/c.ts → src/b.ts"]);
});

Deno.test("packages out of place are found, and packages without one", () => {
  const sources = sourcesOf({
    "src/rpc/channel.ts": `import * as grpc from "@grpc/grpc-js"; import "node:net";`,
    "src/client/connect.ts": `import type { Client } from "@grpc/grpc-js"; import "@bufbuild/protobuf/wkt";`,
    "src/hooks/run.ts": `import "npm:zod@4/mini"; import "left-pad";`,
    "drivers/power/driver.ts": `import { z } from "zod";`,
    "drivers/power/client.ts": `import { z } from "zod";`,
  });
  assert.deepEqual(rules.packagesOutOfPlace(sources), [
    "src/client/connect.ts imports @grpc/grpc-js, which is for src/rpc/*",
    "src/hooks/run.ts imports zod, which is for src/config/*, drivers/*/driver.ts",
    "src/hooks/run.ts imports left-pad, which has no place in the plan",
    "drivers/power/client.ts imports zod, which is for src/config/*, drivers/*/driver.ts",
  ]);
});

Deno.test("globals out of place are found, however they are written", () => {
  const sources = sourcesOf({
    "cli.ts": `Deno.exit(0); console.log(1);`,
    "src/cli/output.ts": `Deno.stdout.writeSync(a); Deno.exit(1);`,
    "src/process_terminal.ts": `Deno.cwd(); Deno.stdin.readable; Deno.stdout.write(a);`,
    "src/a.ts": `Deno["exit"](1);`,
    "src/b.ts": `const { exit: leave, chdir } = Deno;`,
    "src/c.ts": `globalThis.console.log(1);`,
    "src/d.ts": `Deno[name];`,
    "src/e.ts":
      `process.exit(1); process.env; Deno.cwd(); Deno.stdin.read(b); child.stdout.getReader(); device.console.log();`,
  });
  assert.deepEqual(rules.globalsOutOfPlace(sources), [
    "src/cli/output.ts touches Deno.exit, which is for cli.ts",
    "src/a.ts touches Deno.exit, which is for cli.ts",
    "src/b.ts touches Deno.exit, which is for cli.ts",
    "src/c.ts touches console, which is for cli.ts, src/cli/*",
    "src/d.ts computes which part of Deno it touches",
    "src/e.ts touches Deno.cwd, which is for src/process_terminal.ts",
    "src/e.ts touches Deno.stdin, which is for src/process_terminal.ts, src/cli/*",
    "src/e.ts touches process.exit, which is for nobody",
  ]);
});

Deno.test("computed imports are found outside their one place", () => {
  const sources = sourcesOf({
    "src/driver/load.ts": "await import(url);",
    "src/client/report.ts": "await import(`./${name}.ts`);",
    "drivers/power/mod.ts": `await import("./driver.ts");`,
  });
  assert.deepEqual(rules.computedImports(sources), [
    "src/client/report.ts has a computed import(), which is for src/driver/load.ts, cli.ts",
  ]);
});

Deno.test("a heavy entry is found with its way, and late and type-only imports are light", () => {
  const light = {
    "cli.ts": `import "./src/agent/mod.ts"; import type { Main } from "./src/cli/mod.ts";`,
    "src/agent/mod.ts": `const serve = await import("./serve_agent.ts");`,
    "src/agent/serve_agent.ts": "",
    "src/cli/mod.ts": `const run = await import("./jmp_run.ts"); import type { Config } from "../config/mod.ts";`,
    "src/cli/jmp_run.ts": `import "../config/mod.ts";`,
    "src/cli/jmp_config.ts": "",
    "src/config/mod.ts": `import "zod";`,
    "src/cli/j.ts": "",
    "drivers/mod.ts": `import "./power/mod.ts";`,
    "drivers/power/mod.ts": `const driver = async () => await import("./driver.ts");`,
    "drivers/power/client.ts": "",
  };
  assert.deepEqual(rules.heavyEntries(sourcesOf(light)), []);
  const heavy = {
    ...light,
    "src/cli/j.ts": `import "./jmp_run.ts";`,
    "src/agent/serve_agent.ts": `import "node:path"; import "commander"; import("../cli/mod.ts");`,
    "drivers/power/client.ts": `import { z } from "zod";`,
  };
  assert.deepEqual(rules.heavyEntries(sourcesOf(heavy)), [
    "src/cli/j.ts loads src/config/mod.ts: src/cli/j.ts → src/cli/jmp_run.ts → src/config/mod.ts",
    "drivers/power/client.ts loads zod: drivers/power/client.ts → zod",
    "cli.ts loads node:path: cli.ts → src/agent/mod.ts → src/agent/serve_agent.ts → node:path",
    "cli.ts loads commander: cli.ts → src/agent/mod.ts → src/agent/serve_agent.ts → commander",
    "cli.ts loads src/cli/mod.ts: cli.ts → src/agent/mod.ts → src/agent/serve_agent.ts → src/cli/mod.ts",
  ]);
  assert.deepEqual(rules.heavyEntries(new Map()), [
    "src/cli/mod.ts does not exist, so nothing shows that it is lean",
    "src/cli/j.ts does not exist, so nothing shows that it is lean",
    "drivers/mod.ts does not exist, so nothing shows that it is lean",
    "drivers/*/client.ts does not exist, so nothing shows that it is lean",
    "cli.ts does not exist, so nothing shows that it is lean",
    "src/cli/jmp_run.ts does not exist, so nothing shows that it is lean",
    "src/cli/jmp_config.ts does not exist, so nothing shows that it is lean",
  ]);
});

Deno.test("long files and empty names are found", () => {
  assert.deepEqual(rules.longFiles([{ path: "a.ts", lines: 300 }, { path: "b.ts", lines: 301 }]), [
    "b.ts has 301 lines, more than 300",
  ]);
  const paths = ["src/rpc/utils.ts", "src/call_manager.ts", "src/helpers/a.ts", "src/process_test.ts"];
  assert.deepEqual(rules.emptyNames([...paths, "src/rpc/handler.ts", "src/hooks/process_group.ts", "README.md"]), [
    `src/rpc/utils.ts is called "utils", which says nothing`,
    `src/call_manager.ts is called "manager", which says nothing`,
    `src/helpers/a.ts is called "helpers", which says nothing`,
    `src/process_test.ts is called "process", which says nothing`,
  ]);
});
