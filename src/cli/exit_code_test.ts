import assert from "node:assert/strict";
import { ConfigError, DriverError, type ErrorCode, HookError, JumpstarterError } from "../errors.ts";
import { exitCodes } from "../exit_codes.ts";
import { exitCodeOf } from "./exit_code.ts";

/** Every code of an error, with what the program ends with. */
const expected: Record<ErrorCode, number> = {
  usage: 2,
  config: 3,
  connect: 4,
  unauthenticated: 5,
  hook: 6,
  connection_lost: 7,
  timeout: 8,
  not_ready: 9,
  busy: 11,
  listen: 10,
  cancelled: 130,
  not_found: 1,
  unimplemented: 1,
  invalid_argument: 1,
  unavailable: 1,
  io: 1,
  driver: 1,
  internal: 70,
};

Deno.test("each kind of error has its exit code", () => {
  for (const [code, exitCode] of Object.entries(expected)) {
    assert.equal(exitCodeOf(new JumpstarterError(code as ErrorCode, "")), exitCode, code);
  }
  assert.equal(exitCodeOf(new ConfigError("x.yaml", [])), 3);
  assert.equal(exitCodeOf(new HookError("", [])), 6);
  assert.equal(exitCodeOf(new DriverError("timeout", "")), 8);
});

Deno.test("what is none of this project's errors is a fault of the program", () => {
  for (const error of [new Error("x"), new TypeError("x"), "text", undefined, null]) {
    assert.equal(exitCodeOf(error), 70);
  }
});

Deno.test("no two meanings share a code, and only errors that are expected of a shell lie above 100", () => {
  const codes = Object.values(exitCodes);
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.every((code) => Number.isInteger(code) && code >= 0 && code <= 255));
  assert.deepEqual(codes.filter((code) => code > 100).sort(), [126, 127, 130, 141]);
});

Deno.test("every exit code is in the README's table", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  for (const [name, code] of Object.entries(exitCodes)) {
    assert.match(readme, new RegExp(`^\\|[^|\\n]*\\b${code}\\b[^|\\n]*\\|`, "m"), `${name}: ${code}`);
  }
});
