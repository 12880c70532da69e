import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { joinWrites } from "./joined_writes.ts";

/** A socket that keeps what reaches the system, call by call. */
function openSocket() {
  const calls: string[][] = [];
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      calls.push([String(chunk)]);
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  joinWrites(socket);
  return { socket, calls };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("what is written in one turn leaves in one piece, in its order, and nothing waits for the next turn", async () => {
  const { socket, calls } = openSocket();
  const told: string[] = [];
  for (const word of ["a", "b", "c"]) socket.write(word, () => told.push(word));
  assert.deepEqual(calls, []);
  await turn();
  assert.deepEqual([calls, told], [[["a", "b", "c"]], ["a", "b", "c"]]);
  socket.write("d");
  await turn();
  assert.deepEqual(calls, [["a", "b", "c"], ["d"]]);
});

Deno.test("an end and a close lose nothing that was written before, and break nothing after", async () => {
  const { socket, calls } = openSocket();
  socket.write("a");
  socket.end("b");
  await once(socket, "finish");
  assert.deepEqual(calls.flat(), ["a", "b"]);
  const closed = openSocket();
  closed.socket.on("error", () => {});
  closed.socket.write("a", () => {});
  closed.socket.destroy();
  await turn();
  assert.equal(closed.socket.destroyed, true);
});
