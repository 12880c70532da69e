/**
 * Drives `examples/board.yaml` as it stands, with a pseudo-terminal as its serial adapter, a program that only keeps
 * its words as `uhubctl`, and a server on this machine as the board's SSH server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startExporter } from "../fixtures/exporter.ts";
import { Place, repository } from "../fixtures/place.ts";
import { PseudoBoard } from "../fixtures/pseudo_board.ts";
import { openShell } from "../fixtures/shell.ts";

const example = join(repository, "examples", "board.yaml");

/** The example with other values in the places of these, each of which it must have. */
async function withValues(values: Readonly<Record<string, string>>): Promise<string> {
  let text = await Deno.readTextFile(example);
  for (const [line, value] of Object.entries(values)) {
    assert.ok(text.includes(line), `the example says no ${line}`);
    text = text.replace(line, value);
  }
  return text;
}

/** Puts a `uhubctl` first on the PATH that writes what it is asked for to a file. */
async function fakeHub(place: Place) {
  const log = place.path("hub.log");
  await Deno.mkdir(place.path("bin"));
  await place.write("bin/uhubctl", `#!/bin/sh\necho "$*" >>'${log}'\n`, 0o700);
  return {
    env: { PATH: `${place.path("bin")}:${place.env.PATH}` },
    /** What it was asked to do, in order. */
    async actions(): Promise<string[]> {
      const lines = (await Deno.readTextFile(log)).trimEnd().split("\n");
      return lines.map((line) => /^--location 1-1 --ports 3 --action (on|off)$/.exec(line)?.[1] ?? line);
    },
  };
}

Deno.test({
  name: "examples/board.yaml switches its board on, reaches it by console and network, and switches it off",
  ignore: Deno.build.os !== "linux", // serial ports need it
  async fn() {
    await using place = await Place.open();
    await using board = await PseudoBoard.open();
    await using ssh = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("the board's own\n"),
    );
    const config = await withValues({
      "/dev/serial/by-id/usb-FTDI_TTL232R-3V3_FTDEMO01-if00-port0": board.path,
      "host: 192.168.7.2": "host: 127.0.0.1",
      "port: 22\n": `port: ${ssh.addr.port}\n`,
    });
    const hub = await fakeHub(place);
    // The board feeds its adapter, so there is no port before it is on.
    await board.unplug();
    const file = await place.write("board.yaml", config);
    await using exporter = await startExporter(place, { config: file, env: hub.env });
    await exporter.ready();
    assert.deepEqual(await hub.actions(), ["on"], "beforeLease switches it on");

    await using shell = await openShell(place, exporter.shell);
    const away = await shell.runJ("its agent", ["console", "pipe"]);
    assert.deepEqual([away.code, away.stderr.includes(`cannot open ${board.path}`)], [1, true], away.stderr);

    await board.plug();
    await using pipe = shell.startJ("its agent", ["console", "pipe"]);
    await pipe.type("uname -a\n");
    await board.see("uname -a\n");
    await board.send("Linux board\r\n$ ");
    await pipe.seeOut("Linux board\r\n$ ");

    assert.equal((await shell.runJ("its agent", ["power", "off"])).code, 0);
    assert.equal((await shell.runJ("its agent", ["power", "on"])).code, 0);
    assert.deepEqual(await hub.actions(), ["on", "off", "on"]);
    const { stdout: help } = await shell.runJ("its agent", ["power", "--help"]);
    assert.match(help, /on .*Give the board power\n.*off .*Take the board's power away\n/);

    const { stdout: address } = await shell.runJ("its agent", ["ssh", "address"]);
    assert.equal(address, `127.0.0.1:${ssh.addr.port}\n`);
    await using forward = shell.startJ("its agent", ["ssh", "forward-tcp", "0"]);
    const [, port] = await forward.seeOut(/:(\d+)\n/);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "the board's own\n");

    assert.equal((await exporter.program.stop()).code, 0);
    assert.deepEqual(await hub.actions(), ["on", "off", "on", "off"], "afterLease switches it off");
  },
});
