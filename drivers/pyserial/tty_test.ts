import assert from "node:assert/strict";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";
import { failsWith, Listener } from "./bench_test.ts";
import { type Libc, openLibc } from "./libc.ts";
import { rawTermios, speedOf, termios2 } from "./termios.ts";
import { Tty } from "./tty.ts";

const plain = { baudrate: 115_200, keepsLines: false };

/** What `stty` says of a terminal. */
async function stty(path: string, ...words: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("stty", { args: ["-F", path, ...words] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Opens a port for the length of a function. */
async function withPort(
  libc: Libc,
  path: string,
  settings: typeof plain,
  use: (port: Tty, baudrate: number) => Promise<void>,
): Promise<void> {
  const { port, baudrate } = await Tty.open(libc, path, settings);
  try {
    await use(port, baudrate);
  } finally {
    await port.close();
  }
}

Deno.test("a port is set to bytes as they are, at any speed", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  for (const baudrate of [50, 9_600, 115_200, 123_456, 1_500_000, 4_000_000]) {
    await withPort(libc, board.path, { ...plain, baudrate }, async (_port, actual) => {
      assert.equal(actual, baudrate);
      const text = await stty(board.device, "-a");
      // What `stty raw` sets, and no more of the line than 8 bits without parity and flow control.
      for (
        const word of [
          "-icanon",
          "-echo",
          "-isig",
          "-iexten",
          "-opost",
          "-icrnl",
          "-ixon",
          "-ixoff",
          "-istrip",
          "-brkint",
        ]
      ) assert.match(text, new RegExp(`(^|\\s)${word}\\b`), word);
      for (const word of ["cs8", "-parenb", "-cstopb", "-crtscts", "cread", "clocal", "min = 1; time = 0"]) {
        assert.ok(text.includes(word), `${word} is not in ${text}`);
      }
    });
  }
  // A classic speed is read by programs that know only those.
  await withPort(libc, board.path, { ...plain, baudrate: 57_600 }, async () => {
    assert.equal((await stty(board.device, "speed")).trim(), "57600");
  });
});

Deno.test("the lines fall when the port is closed, unless they are to stay", () => {
  const hangUp = 0o2000;
  const current = new Uint8Array(termios2.size);
  const cflagOf = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(8, true);
  assert.equal(cflagOf(rawTermios(current, plain)) & hangUp, 0);
  new DataView(current.buffer).setUint32(8, hangUp, true);
  assert.equal(cflagOf(rawTermios(current, plain)) & hangUp, hangUp);
  assert.equal(cflagOf(rawTermios(current, { ...plain, keepsLines: true })) & hangUp, 0);
  assert.equal(speedOf(rawTermios(current, { ...plain, baudrate: 31_250 })), 31_250);
});

Deno.test("on the port itself: hupcl as it was, or off", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  const hold = await Deno.open(board.device, { read: true }); // or the settings would go with the last who has it open
  try {
    await stty(board.device, "hupcl");
    await withPort(libc, board.path, plain, async () => assert.match(await stty(board.device, "-a"), /[^-]hupcl/));
    const keeping = { ...plain, keepsLines: true };
    await withPort(libc, board.path, keeping, async () => assert.match(await stty(board.device, "-a"), /-hupcl/));
  } finally {
    hold.close();
  }
});

Deno.test("what came before the port was opened is dropped", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  const hold = await Deno.open(board.device, { read: true });
  try {
    await board.send("stale\n");
    await withPort(libc, board.path, plain, async (port) => {
      const listener = new Listener(port);
      await board.send("fresh|");
      await listener.see("|");
      assert.equal(listener.text, "fresh|");
    });
  } finally {
    hold.close();
  }
});

Deno.test("what cannot be opened is told with its reason", async () => {
  using libc = openLibc();
  const refused = (path: string, code: string, message: RegExp) =>
    assert.rejects(Tty.open(libc, path, plain), failsWith(code, message));
  await refused("/dev/no-such-port", "unavailable", /^cannot open \/dev\/no-such-port: there is no such device$/);
  await refused("/etc/hostname/x", "unavailable", /there is no such device$/);
  await refused("/dev", "io", /^cannot open \/dev: it is a directory$/);
  await refused("/dev/null", "io", /^cannot open \/dev\/null: it is no serial port$/);
});

Deno.test("a port belongs to one program at a time", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  await withPort(libc, board.path, plain, async () => {
    await assert.rejects(Tty.open(libc, board.path, plain), failsWith("unavailable", /: another program uses it$/));
  });
  await withPort(libc, board.path, plain, () => Promise.resolve());
});

Deno.test("5 MB come whole each way", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  await withPort(libc, board.path, plain, async (port) => {
    const sent = crypto.getRandomValues(new Uint8Array(50_000));
    const rounds = 100;
    const hash = async (parts: Uint8Array[]) => {
      const whole = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
      assert.equal(whole.length, sent.length * rounds);
      return new Uint8Array(await crypto.subtle.digest("SHA-256", whole)).toHex();
    };
    const expected = await hash(Array(rounds).fill(sent));
    const writer = port.writable.getWriter();
    for (let round = 0; round < rounds; round++) await writer.write(sent);
    await board.seeBytes(sent.length * rounds);
    assert.equal(await hash([...board.received]), expected);
    const sending = (async () => {
      for (let round = 0; round < rounds; round++) await board.send(sent);
    })();
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of port.readable) {
      parts.push(part);
      length += part.length;
      if (length === sent.length * rounds) break;
    }
    await sending;
    assert.equal(await hash(parts), expected);
  });
});

Deno.test("closing ends what waits, in both directions", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  board.takes = false;
  const { port } = await Tty.open(libc, board.path, plain);
  const reading = port.readable.getReader().read();
  const writer = port.writable.getWriter();
  writer.closed.catch(() => {});
  const writing = (async () => {
    for (;;) await writer.write(new Uint8Array(64 * 1024));
  })();
  const failed = assert.rejects(writing, failsWith("unavailable", /was closed$/));
  await Promise.all([port.close(), port.close()]);
  assert.deepEqual(await reading, { value: undefined, done: true });
  await failed;
});

/** A C library whose port has modem lines; the pseudo-terminals of Linux have none. */
function withModemLines(libc: Libc, onRequest: (request: number, bits: number) => void): Libc {
  const ioctl: Libc["calls"]["ioctl"] = (fd, request, argument) => {
    if (request !== 0x5416 && request !== 0x5417) return libc.calls.ioctl(fd, request, argument);
    onRequest(request, new DataView((argument as Uint8Array).buffer).getInt32(0, true));
    return 0;
  };
  return { ...libc, calls: { ...libc.calls, ioctl } };
}

Deno.test("DTR and RTS are set by the requests that Linux has for it", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  const requests: string[] = [];
  const names: Readonly<Record<number, string>> = { 0x5416: "TIOCMBIS", 0x5417: "TIOCMBIC", 2: "DTR", 4: "RTS" };
  const fake = withModemLines(libc, (request, bits) => requests.push(`${names[request]} ${names[bits]}`));
  await withPort(fake, board.path, plain, (port) => {
    port.setLine("dtr", true);
    port.setLine("dtr", false);
    port.setLine("rts", true);
    port.setLine("rts", false);
    return Promise.resolve();
  });
  assert.deepEqual(requests, ["TIOCMBIS DTR", "TIOCMBIC DTR", "TIOCMBIS RTS", "TIOCMBIC RTS"]);
});

Deno.test("a port without modem lines says so", async () => {
  using libc = openLibc();
  await using board = await PseudoBoard.open();
  await withPort(libc, board.path, plain, (port) => {
    assert.throws(
      () => port.setLine("dtr", true),
      failsWith("unimplemented", /^cannot set DTR of \S+: it has no such line$/),
    );
    return Promise.resolve();
  });
});
