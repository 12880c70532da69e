/** An exporter of more serial ports than Deno has threads for what blocks. */
import assert from "node:assert/strict";
import { OpendalClient } from "../../drivers/opendal/client.ts";
import { PySerialClient } from "../../drivers/pyserial/client.ts";
import { connect } from "../../mod.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { PseudoBoard } from "../fixtures/pseudo_board.ts";

/** Deno has 32 such threads. */
const portCount = 40;

Deno.test({
  name: "forty consoles at once leave room for one another, and for files",
  ignore: Deno.build.os !== "linux", // serial ports need it
  async fn() {
    await using place = await Place.open();
    await using stack = new AsyncDisposableStack();
    const boards = await Promise.all(Array.from({ length: portCount }, () => PseudoBoard.open()));
    for (const board of boards) stack.use(board);
    const ports = boards.map(({ path }, index) => [`port${index}`, { type: pySerial, config: { url: path } }]);
    const images = { type: opendal, config: { scheme: "fs", kwargs: { root: place.dir } } };
    const config = { export: { images, ...Object.fromEntries(ports) } };
    const { address } = stack.use(await startExporter(place, { config }));
    const exporter = stack.use(await connect(address, { insecure: true }));
    const signal = AbortSignal.timeout(60_000);
    for (const [index, board] of boards.entries()) {
      const { readable, writable } = await exporter.driver(`port${index}`, PySerialClient).connect({ signal });
      const reader = readable.getReader();
      stack.defer(() => reader.cancel());
      await writable.getWriter().write(new TextEncoder().encode(`to board ${index};`));
      await board.see(`to board ${index};`);
      await board.send("login: ");
      assert.equal(new TextDecoder().decode((await reader.read()).value), "login: ");
    }
    const files = exporter.driver("images", OpendalClient);
    await files.write("note", new TextEncoder().encode("whole"), { signal });
    assert.equal(await Deno.readTextFile(place.path("note")), "whole");
  },
});

const pySerial = "jumpstarter_driver_pyserial.driver.PySerial";
const opendal = "jumpstarter_driver_opendal.driver.Opendal";
