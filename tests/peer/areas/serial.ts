/** Serial ports: a pseudo-terminal as the board, a socket, and a loop. */
import assert from "node:assert/strict";
import { PySerialClient } from "../../../drivers/pyserial/client.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import { until } from "../../fixtures/until.ts";
import { PseudoBoard } from "../../fixtures/pseudo_board.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { dearCommand, type Side } from "../support/side.ts";

interface SerialBench extends Bench {
  readonly board: PseudoBoard;
}

const type = "jumpstarter_driver_pyserial.driver.PySerial";

/** What users do with serial ports. */
export const serial = defineArea<SerialBench>({
  name: "serial",
  async open() {
    const board = await PseudoBoard.open();
    const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      for await (const connection of server) {
        connection.readable.pipeTo(connection.writable).catch(() => {/* the port was closed */});
      }
    })();
    return {
      board,
      entries: {
        console: { type, config: { url: board.path, baudrate: 9_600 } },
        remote: { type, config: { url: `socket://127.0.0.1:${server.addr.port}` } },
        loop: { type, config: { url: "loop://" } },
      },
      async [Symbol.asyncDispose]() {
        server.close();
        await served;
        await board[Symbol.asyncDispose]();
      },
    };
  },
  rows: [
    { name: "a device file, both ways, byte for byte", run: device },
    { name: "socket:// and loop://", run: others },
    { name: "DTR and RTS of a loop", run: linesOfLoop },
    { name: "DTR and RTS of a pseudo-terminal, which has none", run: noLines },
    { name: "DTR and RTS of a socket, which has none", remark: ignored, run: linesOfSocket },
    { name: "close ends a connection, and the next one opens the port anew", run: close },
    { name: "j pipe to the board", notRun: leavesEarly, run: pipeTo },
    { name: "j pipe from the board", notRun: dearCommand, run: pipeFrom },
    { name: "j start-console", notRun: dearCommand, run: startConsole },
  ],
});

function ignored({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python" ? "pySerial takes the lines of a socket for set, though there are none" : undefined;
}

function leavesEarly({ client }: Pairing): string | undefined {
  return client.name === "Python"
    ? "the Python client leaves when its input ends, whatever is still on its way"
    : undefined;
}

const everyByte = [...Array(256).keys()];

/** Sends bytes to a port, and answers as many that come from it. */
async function talk({ ask }: Cell<SerialBench>, name: string, sent: readonly number[]): Promise<number[]> {
  return await ask({
    python: `
      with client.${name}.stream() as stream:
          stream.send(bytes(${JSON.stringify(sent)}))
          came = b""
          while len(came) < ${sent.length}:
              came += stream.receive()
          return list(came)
    `,
    async ours(exporter) {
      const { readable, writable } = await exporter.driver(name, PySerialClient).connect();
      const writer = writable.getWriter(), came: number[] = [];
      await writer.write(Uint8Array.from(sent));
      for await (const bytes of readable) {
        came.push(...bytes);
        if (came.length >= sent.length) break;
      }
      return came;
    },
  }) as number[];
}

async function device(cell: Cell<SerialBench>): Promise<void> {
  const { board } = cell.bench;
  board.whenReceived((bytes) => void board.send(bytes.map((byte) => 255 - byte)));
  const came = await talk(cell, "console", everyByte);
  assert.deepEqual(came, everyByte.toReversed());
  board.whenReceived(() => {});
}

async function others(cell: Cell<SerialBench>): Promise<void> {
  for (const name of ["remote", "loop"]) assert.deepEqual(await talk(cell, name, everyByte), everyByte);
}

/** What raising DTR and dropping RTS comes to: nothing, or the class or code of an error, and its message. */
async function setLines({ ask }: Cell<SerialBench>, name: string): Promise<string[]> {
  return await ask({
    python: `
      def attempt(method, value):
          try:
              return str(client.${name}.call(method, value))
          except Exception as error:
              return f"{type(error).__name__}: {error}"
      return [attempt("set_dtr", True), attempt("set_rts", False)]
    `,
    async ours(exporter) {
      const port = exporter.driver(name, PySerialClient);
      const attempt = (use: Promise<void>) =>
        use.then(() => "None", ({ code, message }: JumpstarterError) => `${code}: ${message}`);
      return [await attempt(port.setDtr(true)), await attempt(port.setRts(false))];
    },
  }) as string[];
}

async function linesOfLoop(cell: Cell<SerialBench>): Promise<void> {
  assert.deepEqual(await setLines(cell, "loop"), ["None", "None"]);
}

/** Asserts that each attempt has failed with an error that says why. */
function assertRefused(
  { client, exporter }: Pairing,
  said: readonly string[],
  why: Record<Side["name"], RegExp>,
): void {
  const [error, code] = exporter.name === "Python"
    ? ["DriverError", "driver"]
    : ["DriverMethodNotImplemented", "unimplemented"];
  assert.equal(said.length, 2);
  for (const text of said) {
    assert.ok(text.startsWith(`${client.name === "Python" ? error : code}: `), text);
    assert.match(text, why[exporter.name]);
  }
}

async function noLines(cell: Cell<SerialBench>): Promise<void> {
  const why = { Python: /Inappropriate ioctl for device/, ours: /cannot set (?:DTR|RTS) of \S+: it has no such line/ };
  assertRefused(cell, await setLines(cell, "console"), why);
  await device(cell); // which it is none the worse for
}

async function linesOfSocket(cell: Cell<SerialBench>): Promise<void> {
  const said = await setLines(cell, "remote");
  if (cell.exporter.name === "Python") return assert.deepEqual(said, ["None", "None"]);
  assertRefused(cell, said, { Python: /./, ours: /cannot set (?:DTR|RTS): a TCP connection has no such line/ });
}

async function close(cell: Cell<SerialBench>): Promise<void> {
  await cell.ask({
    python: `
      import anyio
      with client.console.stream() as stream:
          client.console.call("close")
          try:
              while True:
                  stream.receive()
          except (anyio.EndOfStream, anyio.BrokenResourceError):
              pass
    `,
    async ours(exporter) {
      const port = exporter.driver("console", PySerialClient);
      const { readable } = await port.connect();
      await port.close();
      await readable.pipeTo(new WritableStream()).catch(() => {/* as well */});
    },
  });
  await device(cell);
}

async function pipeTo({ session, bench: { board } }: Cell<SerialBench>): Promise<void> {
  const { code, stderr } = await session.run("printf 'to the board' | j console pipe --no-output");
  assert.equal(code, 0, stderr);
  await board.see("to the board");
}

async function pipeFrom({ session, place, bench: { board } }: Cell<SerialBench>): Promise<void> {
  const log = place.path("boot.log");
  const { stdout: pid } = await session.run(`j console pipe --no-input -o '${log}' >/dev/null 2>&1 & echo $!`);
  // The port is open once what it is sent arrives; what came before is lost.
  await until("the log has what the board says", async () => {
    board.sendSome(new TextEncoder().encode("U-Boot\n"));
    return (await Deno.readTextFile(log).catch(() => "")).includes("U-Boot\n");
  });
  await session.run(`kill ${pid.trim()}`);
}

async function startConsole({ session, bench: { board } }: Cell<SerialBench>): Promise<void> {
  board.whenReceived((bytes) => {
    if (new TextDecoder().decode(bytes).includes("!")) void board.send("login: ");
  });
  // Somebody who types until there is an answer, since what is typed before the console begins is lost; and then leaves.
  const keys = "while ! grep -q login: seen; do printf 'hello!'; sleep 0.2; done; printf '\\002\\002\\002'";
  const console = "script -qfec 'j console start-console' /dev/null >seen";
  const { code, stdout, stderr } = await session.run(
    `cd "$(mktemp -d)" && : >seen && { ${keys}; sleep 1; } | ${console}; cat seen`,
  );
  assert.equal(code, 0, stderr);
  await board.see("hello!");
  assert.match(stdout, /login: /);
  board.whenReceived(() => {});
}
