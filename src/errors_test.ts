import assert from "node:assert/strict";
import { ConfigError, DriverError, HookError, JumpstarterError } from "./errors.ts";

Deno.test("each error has its class, name, code and what it carries", () => {
  const cause = new Error("beneath");
  const plain = new JumpstarterError("connect", "cannot connect", { hint: "try", cause });
  assert.deepEqual([plain.name, plain.code, plain.message, plain.hint, plain.cause], [
    "JumpstarterError",
    "connect",
    "cannot connect",
    "try",
    cause,
  ]);
  assert.equal("cause" in new JumpstarterError("connect", ""), false);
  const driver = new DriverError("io", "x", { driver: "rack.power", method: "on", hint: "h" });
  assert.deepEqual([driver.name, driver.driver, driver.method, driver.hint], ["DriverError", "rack.power", "on", "h"]);
  const hook = new HookError("x", ["a", "b"]);
  assert.deepEqual([hook.name, hook.code, hook.output], ["HookError", "hook", ["a", "b"]]);
  for (const error of [plain, driver, hook]) assert.ok(error instanceof JumpstarterError && error instanceof Error);
});

Deno.test("a config's problems are a line each, with as much of a place as is known", () => {
  const error = new ConfigError("x.yaml", [
    { message: 'unknown key "typ"', path: ["export", "a", "typ"], line: 7, column: 5, hint: 'did you mean "type"?' },
    { message: "no such file", path: [] },
    { message: "wrong", path: ["a"], line: 9 },
  ]);
  assert.deepEqual(error.message.split("\n"), [
    'x.yaml:7:5: unknown key "typ" (did you mean "type"?)',
    "x.yaml: no such file",
    "x.yaml:9:1: wrong",
  ]);
  assert.deepEqual([error.name, error.code, error.source, error.problems.length], [
    "ConfigError",
    "config",
    "x.yaml",
    3,
  ]);
});
