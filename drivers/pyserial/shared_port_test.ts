import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { bytes, failsWith, Listener } from "./bench_test.ts";
import { Pace } from "./pace.ts";
import type { SerialPort } from "./serial_port.ts";
import { SharedPort, type SharedPortOptions } from "./shared_port.ts";

/** A port whose other end is the test's. */
class OpenPort implements SerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly written: string[] = [];
  isClosed = false;
  /** Settles when it takes what is written; it takes everything at once unless a test says otherwise. */
  takes: Promise<void> = Promise.resolve();
  /** Settles when all that was written has been sent. */
  drained: Promise<void> = Promise.resolve();
  /** Settles once somebody waits for that. */
  readonly drains = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({
      write: async (piece) => {
        await this.takes;
        this.written.push(new TextDecoder().decode(piece));
      },
    });
  }

  /** How many pieces nobody has asked for yet. */
  get queued(): number {
    return -(this.#controller?.desiredSize ?? 0);
  }

  send(what: string | Uint8Array): void {
    this.#controller?.enqueue(typeof what === "string" ? bytes(what) : what);
  }

  fail(error: JumpstarterError | Error): void {
    this.#controller?.error(error);
  }

  end(): void {
    this.#controller?.close();
  }

  drain(): Promise<void> {
    this.drains.resolve();
    return this.drained;
  }

  setLine(): void {}

  close(): Promise<void> {
    this.isClosed = true;
    try {
      this.#controller?.close();
    } catch {
      // It has ended already.
    }
    return Promise.resolve();
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

function open(options: SharedPortOptions = {}) {
  const port = new OpenPort();
  return { port, shared: new SharedPort(port, options) };
}

Deno.test("the last to leave closes the port, however each one leaves", async () => {
  const reasons: unknown[] = [];
  const { port, shared } = open({ onClosed: (reason) => reasons.push(reason) });
  const [one, two, three] = [shared.connect("both"), shared.connect("both"), shared.connect("both")];
  await one.readable.cancel();
  await two.writable.abort();
  await three.writable.close();
  assert.deepEqual([shared.isOpen, port.isClosed], [true, false]);
  await three.readable.cancel();
  assert.equal(shared.isOpen, false);
  await shared.close();
  assert.equal(port.isClosed, true);
  assert.deepEqual(reasons, [undefined]);
});

Deno.test("a port that breaks is told to each, after its last words, and to whoever writes", async () => {
  const broken = new Error("pulled out");
  const reasons: unknown[] = [];
  const { port, shared } = open({ onClosed: (reason) => reasons.push(reason) });
  const listeners = [new Listener(shared.connect("both")), new Listener(shared.connect("both"))];
  port.takes = Promise.withResolvers<void>().promise;
  const stuck = assert.rejects(listeners[0]?.say("x") ?? Promise.reject(), broken);
  port.send("last words");
  await until("they are heard", () => port.queued === 0);
  port.fail(broken);
  for (const listener of listeners) {
    await assert.rejects(listener.seeEnd(), broken);
    assert.equal(listener.text, "last words");
  }
  await assert.rejects(listeners[1]?.say("y") ?? Promise.reject(), broken);
  await shared.close();
  assert.deepEqual(reasons, [broken]);
  void stuck;
});

Deno.test("a port that ends is an end", async () => {
  const { port, shared } = open();
  const listener = new Listener(shared.connect("both"));
  port.send("bye");
  await until("it is heard", () => port.queued === 0);
  port.end();
  await listener.seeEnd();
  assert.equal(listener.text, "bye");
  await assert.rejects(listener.say("x"), failsWith("unavailable", /was closed/));
});

Deno.test("messages of up to 4 KiB stay whole, and longer ones let others in between", async () => {
  const { port, shared } = open();
  const [one, two] = [new Listener(shared.connect("both")), new Listener(shared.connect("both"))];
  const turn = Promise.withResolvers<void>();
  port.takes = turn.promise;
  const long = "a".repeat(10_000), short = "b".repeat(4_096);
  const said = Promise.all([one.say(long), two.say(short)]);
  turn.resolve();
  await said;
  assert.deepEqual(port.written.map((piece) => piece.length), [4_096, 4_096, 4_096, 1_808]);
  assert.deepEqual(port.written.map((piece) => piece[0]), ["a", "b", "a", "a"]);
  await Promise.all([one.leave(), two.leave()]);
});

Deno.test("a pace holds for all writers together, and does not keep them from leaving", async () => {
  const { port, shared } = open({ pace: new Pace(500) });
  const startedAt = performance.now();
  const [one, two] = [new Listener(shared.connect("both")), new Listener(shared.connect("both"))];
  await Promise.all([one.say("a".repeat(50)), two.say("b".repeat(50))]);
  assert.ok(performance.now() - startedAt >= 196, `${performance.now() - startedAt} ms`);
  assert.equal(port.written.join("").length, 100);
  const connection = shared.connect("both");
  const writer = connection.writable.getWriter();
  const writing = writer.write(new Uint8Array(1_000_000));
  await writer.abort(new Error("enough"));
  await assert.rejects(writing, /enough/);
  await Promise.all([one.leave(), two.leave()]);
  await shared.close();
});

Deno.test("who only sends hears nothing, and its end comes when all is sent", async () => {
  const { port, shared } = open();
  const listener = new Listener(shared.connect("both"));
  const sender = new Listener(shared.connect("send"));
  const drained = Promise.withResolvers<void>();
  port.drained = drained.promise;
  port.send("noise|");
  await listener.see("|");
  await sender.say("data");
  const closing = sender.closeInput();
  let hasEnded = false;
  const ended = sender.seeEnd().then(() => hasEnded = true);
  await port.drains.promise;
  await turn(); // all that does not wait for the port comes before
  assert.equal(hasEnded, false);
  drained.resolve();
  await Promise.all([closing, ended]);
  assert.equal(sender.text, "");
  assert.deepEqual(port.written, ["data"]);
  assert.equal(shared.isOpen, true);
  await listener.leave();
});

Deno.test("a client that lags behind makes the port wait, and loses nothing", async () => {
  const { port, shared } = open({ patienceMs: 60_000 });
  const quick = shared.connect("both"), slow = shared.connect("both");
  const chunk = new Uint8Array(64 * 1024);
  let read = 0;
  const reader = quick.readable.getReader();
  for (;;) {
    port.send(chunk);
    await turn();
    if (port.queued > 0) break;
    read += (await reader.read()).value?.length ?? 0;
  }
  assert.equal(read, 1024 * 1024, "the port goes on only up to 1 MiB");
  const slowReader = slow.readable.getReader();
  for (let left = read; left > 0;) left -= (await slowReader.read()).value?.length ?? 0;
  assert.equal((await reader.read()).value?.length, chunk.length);
  await Promise.all([reader.cancel(), slowReader.cancel()]);
});

Deno.test("a client that takes nothing is cut off when others wait for it, and not when it is alone", async () => {
  const { port, shared } = open({ patienceMs: 50 });
  const alone = shared.connect("both");
  const chunk = new Uint8Array(1024 * 1024);
  port.send(chunk);
  port.send("more|");
  await new Promise((resolve) => setTimeout(resolve, 100)); // twice the patience, in which nothing happens
  // One that only sends does not wait for it either.
  const sender = new Listener(shared.connect("send"));
  await new Promise((resolve) => setTimeout(resolve, 100)); // nor now
  assert.equal(port.queued, 1);
  const other = new Listener(shared.connect("both"));
  await other.see("more|");
  const stuck = new Listener(alone);
  await assert.rejects(stuck.seeEnd(), failsWith("unavailable", /cut off: it has taken nothing for 0\.05 s/));
  assert.equal(stuck.text.length, chunk.length);
  await sender.leave();
  await other.leave();
});
