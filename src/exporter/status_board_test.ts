import assert from "node:assert/strict";
import { ExporterStatus } from "../../proto/mod.ts";
import { StatusBoard } from "./status_board.ts";

const patient = { withinMs: 60_000, limitMs: 60_000 };

Deno.test("every change has its version and tells what was before", () => {
  const board = new StatusBoard();
  assert.deepEqual([board.current.version, board.current.previous], [0n, undefined]);
  board.set(ExporterStatus.LEASE_READY, "go");
  board.set(ExporterStatus.OFFLINE, "bye");
  const { status, message, version, previous } = board.read("a");
  assert.deepEqual([status, message, version, previous], [
    ExporterStatus.OFFLINE,
    "bye",
    2n,
    ExporterStatus.LEASE_READY,
  ]);
});

Deno.test("a last word waits for all who have asked lately, and for nobody else", async () => {
  const board = new StatusBoard();
  await board.readByAll(patient); // nobody has asked
  board.read("a");
  board.read("b");
  board.set(ExporterStatus.OFFLINE, "bye");
  let isRead = false;
  const all = board.readByAll(patient).then(() => isRead = true);
  board.read("a");
  board.read("c");
  await Promise.resolve();
  assert.equal(isRead, false);
  board.read("b");
  await all;
  await board.readByAll(patient);
  board.set(ExporterStatus.OFFLINE, "again");
  let isLeft = false;
  board.readByAll({ withinMs: -1, limitMs: 1_000 }).then(() => isLeft = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(isLeft, "all have fallen silent");
});

Deno.test("who does not come back is waited for no longer than it may take", async () => {
  const board = new StatusBoard();
  board.read("gone");
  board.set(ExporterStatus.OFFLINE, "bye");
  await board.readByAll({ withinMs: 60_000, limitMs: 20 });
});

Deno.test("clients that have not asked for a minute are forgotten", () => {
  const board = new StatusBoard();
  const { now } = Date;
  try {
    let timeMs = now();
    Date.now = () => timeMs;
    for (let client = 0; client < 100; client++) board.read(`client:${client}`);
    assert.equal(board.readers, 100);
    timeMs += 59_000;
    board.read("client:0");
    timeMs += 2_000;
    board.read("client:new");
    assert.equal(board.readers, 2);
  } finally {
    Date.now = now;
  }
});
