import assert from "node:assert/strict";
import { Matrix } from "./matrix.ts";

Deno.test("a matrix shows what passed, failed, was not run and was left out", () => {
  const matrix = new Matrix(["first, by day", "second, by night"], ["on", "off"]);
  matrix.note("first, by day", "on", "ok");
  matrix.note("second, by night", "on", { notRun: "no such thing" });
  matrix.note("first, by day", "off", "FAILED");
  assert.equal(
    matrix.format(),
    [
      "     first   second",
      "     by day  by night",
      "on   ok      - [1]",
      "off  FAILED  no result",
      "[1] not run: no such thing",
    ].join("\n"),
  );
});

Deno.test("a matrix refuses a cell that it does not have", () => {
  const matrix = new Matrix(["first"], ["on"]);
  assert.throws(() => matrix.note("second", "on", "ok"), /no cell second, on/);
  assert.throws(() => matrix.note("first", "off", "ok"), /no cell first, off/);
});
