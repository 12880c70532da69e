/** Serial ports: a pseudo-terminal as the board, a socket, and a loop. */
import assert from "node:assert/strict";
import { PySerialClient } from "../../../drivers/pyserial/client.ts";
import { until } from "../../fixtures/local_exporter.ts";
import { PseudoBoard } from "../../fixtures/pseudo_board.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { dearCommand } from "../support/side.ts";

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
    { name: "j pipe to the board", notRun: leavesEarly, run: pipeTo },
    { name: "j pipe from the board", notRun: dearCommand, run: pipeFrom },
    { name: "j start-console", notRun: dearCommand, run: startConsole },
  ],
});

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
