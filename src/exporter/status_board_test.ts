import assert from "node:assert/strict";
import { ExporterStatus } from "../../proto/mod.ts";
import { StatusBoard } from "./status_board.ts";

const open = () => new AbortController().signal;
const patient = { withinMs: 60_000, limitMs: 60_000 };

Deno.test("every change has its version and tells what was before", () => {
  const board = new StatusBoard();
  assert.deepEqual([board.current.version, board.current.previous], [0n, undefined]);
  board.set(ExporterStatus.LEASE_READY, "go");
  board.set(ExporterStatus.OFFLINE, "bye");
  const { status, message, version, previous } = board.read(open());
  assert.deepEqual([status, message, version, previous], [
    ExporterStatus.OFFLINE,
    "bye",
    2n,
    ExporterStatus.LEASE_READY,
  ]);
});

Deno.test("a last word waits for all who have asked lately, and for nobody else", async () => {
  const board = new StatusBoard();
  const [a, b] = [open(), open()];
  await board.readByAll(patient); // nobody has asked
  board.read(a);
  board.read(b);
  board.set(ExporterStatus.OFFLINE, "bye");
  let isRead = false;
  const all = board.readByAll(patient).then(() => isRead = true);
  board.read(a);
  board.read(open());
  await Promise.resolve();
  assert.equal(isRead, false);
  board.read(b);
  await all;
  await board.readByAll(patient);
  board.set(ExporterStatus.OFFLINE, "again");
  let isLeft = false;
  board.readByAll({ withinMs: -1, limitMs: 1_000 }).then(() => isLeft = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(isLeft, "all have fallen silent");
});

Deno.test("whose connection is closed is waited for no longer", async () => {
  const board = new StatusBoard();
  const [early, late] = [new AbortController(), new AbortController()];
  board.read(early.signal);
  board.read(late.signal);
  board.set(ExporterStatus.OFFLINE, "bye");
  early.abort();
  let isOver = false;
  const all = board.readByAll(patient).then(() => isOver = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(isOver, false);
  late.abort();
  await all;
  assert.equal(board.readers, 0);
  await board.readByAll(patient);
});

Deno.test("who does not come back is waited for no longer than it may take", async () => {
  const board = new StatusBoard();
  board.read(open());
  board.set(ExporterStatus.OFFLINE, "bye");
  await board.readByAll({ withinMs: 60_000, limitMs: 20 });
});
