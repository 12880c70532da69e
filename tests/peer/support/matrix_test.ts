import assert from "node:assert/strict";
import { Matrix } from "./matrix.ts";

const lamp = { name: "lamp", rows: [{ name: "on" }, { name: "off" }, { name: "dim" }] };

Deno.test("a matrix shows what passed, with a remark or without, failed, was not run and was left out", () => {
  const matrix = new Matrix(["first, by day", "second, by night, in rain"], [lamp]);
  matrix.note("first, by day", "lamp", "on", "ok");
  matrix.note("second, by night, in rain", "lamp", "on", { notRun: "no such thing" });
  matrix.note("first, by day", "lamp", "off", "FAILED");
  matrix.note("first, by day", "lamp", "dim", { remark: "by half" });
  matrix.note("second, by night, in rain", "lamp", "dim", { remark: "by half" });
  assert.equal(
    matrix.format(),
    [
      "       first   second",
      "       by day  by night",
      "               in rain",
      "lamp:",
      "  on   ok      - [1]",
      "  off  FAILED  no result",
      "  dim  ok [2]  ok [2]",
      "[1] not run: no such thing",
      "[2] by half",
    ].join("\n"),
  );
});

Deno.test("a matrix refuses a cell that it does not have", () => {
  const matrix = new Matrix(["first"], [lamp]);
  assert.throws(() => matrix.note("second", "lamp", "on", "ok"), /no cell second, lamp, on/);
  assert.throws(() => matrix.note("first", "lamp", "blink", "ok"), /no cell first, lamp, blink/);
  assert.throws(() => matrix.note("first", "door", "on", "ok"), /no cell first, door, on/);
});
