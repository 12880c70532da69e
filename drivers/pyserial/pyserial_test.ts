import assert from "node:assert/strict";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { until } from "../../tests/fixtures/until.ts";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";
import { isolatedTest } from "../../tests/fixtures/run_isolated.ts";
import { client, failsWith, heldPorts, Listener, serve, type } from "./bench_test.ts";
import { pyserial } from "./mod.ts";

Deno.test("bytes go both ways as they are", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const console = new Listener(await client(bench).connect());
  await console.say("ls\r\x03\x04\x11\x13\x1a\n");
  await board.see("ls\r\x03\x04\x11\x13\x1a\n");
  await board.send("a\r\nb\x00\x7f\u00e4\u20ac|");
  await console.see("|");
  assert.equal(console.text, "a\r\nb\x00\x7f\u00e4\u20ac|");
  await console.leave();
});

Deno.test("every client sees all that the port sends, and what they write interleaves", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  await using other = await bench.connect();
  const [one, two, three] = [
    new Listener(await client(bench).connect()),
    new Listener(await client(bench).connect()),
    new Listener(await other.driver("serial").openStream()),
  ];
  await board.send("login: |");
  await Promise.all([one, two, three].map((console) => console.see("|")));
  await one.say("one\n");
  await board.see("one\n");
  await three.say("three\n");
  await board.see("three\n");
  await one.leave();
  await board.send("still here|");
  await Promise.all([two, three].map((console) => console.see("still here|")));
  await two.leave();
  await three.leave();
});

isolatedTest(import.meta.url, "the port is open only while somebody is connected, and anew for the next", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const before = heldPorts();
  for (let round = 0; round < 3; round++) {
    const [one, two] = [new Listener(await client(bench).connect()), new Listener(await client(bench).connect())];
    assert.ok(heldPorts() > before);
    await one.leave();
    await board.send("x");
    await two.see("x");
    await two.leave();
    await until("the port is closed", () => heldPorts() === before);
  }
  // A client that vanishes takes its connection along.
  const gone = await bench.connect();
  const stream = await gone.driver("serial").openStream();
  assert.ok(heldPorts() > before);
  await gone[Symbol.asyncDispose]();
  await until("the port is closed", () => heldPorts() === before);
  await stream.readable.cancel().catch(() => {});
  // Those that give up before the port is open leave nothing behind either.
  await Promise.allSettled(Array.from({ length: 20 }, async () => {
    const giveUp = new AbortController();
    const opening = client(bench).connect({ signal: giveUp.signal });
    giveUp.abort();
    await (await opening).readable.cancel();
  }));
  const last = new Listener(await client(bench).connect()); // its turn is after theirs
  await last.leave();
  await until("the port is closed", () => heldPorts() === before);
});

Deno.test("a board that is pulled out is an error for all, and the next connection finds it again", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const consoles = [new Listener(await client(bench).connect()), new Listener(await client(bench).connect())];
  await board.send("last words");
  // What nobody has read when a terminal hangs up is the system's to throw away.
  await Promise.all(consoles.map((console) => console.see("last words")));
  await board.unplug();
  for (const console of consoles) {
    await assert.rejects(console.seeEnd(), failsWith("unavailable", /^the serial port \S+ broke off: /));
    assert.equal(console.text, "last words");
  }
  await assert.rejects(client(bench).connect(), failsWith("unavailable", /^cannot open \S+: there is no such device$/));
  await board.plug();
  const back = new Listener(await client(bench).connect());
  await board.send("back|");
  await back.see("back|");
  assert.equal(back.text, "back|");
  await back.leave();
});

Deno.test("close ends everybody's connection, and the next one opens the port again", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  await client(bench).close();
  const consoles = [new Listener(await client(bench).connect()), new Listener(await client(bench).connect())];
  await client(bench).close();
  for (const console of consoles) {
    await console.seeEnd();
    await until("nothing can be sent", () => console.say("x").then(() => false, () => true));
  }
  const next = new Listener(await client(bench).connect());
  await next.say("x");
  await board.see("x");
  await next.leave();
});

Deno.test("a port of another program's is in use, and free when that has ended", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  await using rival = await serve(board.path, { check_present: false });
  const console = new Listener(await client(bench).connect());
  await assert.rejects(client(rival).connect(), failsWith("unavailable", /: another program uses it$/));
  await console.leave();
  await until("it can be had", async () => {
    const stream = await client(rival).connect().catch(() => undefined);
    await stream?.readable.cancel();
    return stream !== undefined;
  });
});

Deno.test("a port that is not there is a broken driver, unless it need not be there", async () => {
  const path = "/dev/serial/by-id/no-such-port";
  await using broken = await serve(path);
  const fault = /"serial" does not run.*cannot open \S+no-such-port: there is no such device$/;
  await assert.rejects(client(broken).connect(), failsWith("driver", fault));
  await using bench = await serve(path, { check_present: false });
  await assert.rejects(client(bench).connect(), failsWith("unavailable", /^cannot open /));
  await using wrong = await serve("/dev/null");
  await assert.rejects(client(wrong).connect(), failsWith("driver", /cannot open \/dev\/null: it is no serial port$/));
});

Deno.test("a stop of the exporter ends connections and gives the port back", async () => {
  await using board = await PseudoBoard.open();
  const bench = await serve(board.path);
  const console = new Listener(await client(bench).connect());
  const [outcome] = await Promise.allSettled([console.seeEnd(), bench.stop()]);
  assert.equal(outcome.status, "rejected");
  await bench[Symbol.asyncDispose]();
  await using again = await serve(board.path);
  await (await client(again).connect()).readable.cancel();
});

Deno.test("sending alone ends when all has been sent, whoever else is connected", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const text = "0123456789".repeat(20_000);
  const console = new Listener(await client(bench).connect());
  await client(bench).send(ReadableStream.from([new TextEncoder().encode(text)]));
  await board.see(text);
  await board.send("heard|");
  await console.see("heard|");
  await console.leave();
  await board.unplug();
  await assert.rejects(client(bench).send(ReadableStream.from([])), failsWith("unavailable"));
});

Deno.test("a config that makes no sense is refused with its place", async () => {
  const refused = (config: { url?: string }, message: RegExp) =>
    assert.rejects(
      serveLocally({ serial: { type, config } }, [pyserial]),
      failsWith("config", message),
    );
  const url = "/dev/ttyUSB0";
  await refused({}, /url/);
  await refused({ url: "rfc2217://lab:4000" }, /"rfc2217:\/\/" is not supported, but a device such as/);
  await refused(
    { url: `spy://${url}?file=log` },
    /"spy:\/\/" is not supported, but a device .*; the command "pipe -o FILE" writes down what it sends/,
  );
  await refused({ url: "ttyUSB0" }, /"ttyUSB0" is not a device such as/);
  await refused({ url: "socket://lab" }, /not of the form socket:\/\/HOST:PORT/);
  await refused({ url, baudrate: 0 } as object, /baudrate/);
  await refused({ url, baudrate: 9600.5 } as object, /baudrate/);
  await refused({ url, cps: -1 } as object, /cps/);
  await refused({ url, check_presence: false } as object, /unknown key "check_presence"/);
});

Deno.test("what the Python implementation takes for no pace is none", async () => {
  for (const cps of [0, null]) {
    await using bench = await serve("loop://", { cps });
    const console = new Listener(await client(bench).connect());
    const text = "x".repeat(100_000);
    await Promise.all([console.say(text), console.closeInput(), console.seeEnd()]);
    assert.equal(console.text, text);
  }
});

Deno.test("null is as good as false, as the Python implementation has it", async () => {
  await using bench = await serve("/dev/no-such-port", { check_present: null, disable_hupcl: null });
  await assert.rejects(client(bench).connect(), failsWith("unavailable"));
});

Deno.test("the methods over the wire", async () => {
  await using bench = await serve("loop://");
  const serial = client(bench);
  await serial.setDtr(true);
  await serial.setRts(false);
  await serial.close();
  for (const args of [[], [1], ["true"], [true, true]]) {
    await assert.rejects(serial.call("set_dtr", args), failsWith("invalid_argument"));
  }
  await assert.rejects(serial.call("connect"), failsWith("not_found", /raw stream/));
});
