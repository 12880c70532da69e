import assert from "node:assert/strict";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";

const root = new URL("../../", import.meta.url);

/** Opens a port in a Deno of its own that has just these permissions; answers how that went. */
async function openUnder(flags: readonly string[], url: object): Promise<string> {
  const program = `
    import { Logger } from ${JSON.stringify(new URL("src/log.ts", root).href)};
    import { SerialDevice } from ${JSON.stringify(new URL("drivers/pyserial/serial_device.ts", root).href)};
    const config = { url: ${JSON.stringify(url)}, baudrate: 115200, check_present: true, disable_hupcl: false };
    try {
      await using device = await SerialDevice.start(config, new Logger(() => {}));
      const { readable } = await device.connect("both");
      await readable.cancel();
      console.log("opened");
    } catch ({ code, message, hint }) {
      console.log(code + ": " + message + (hint ? "; " + hint : ""));
    }`;
  const config = new URL("deno.json", root).pathname;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const args = ["run", "--no-prompt", "--no-lock", "--no-check", "--config", config, ...flags, file];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, signal: AbortSignal.timeout(30_000) })
      .output();
    assert.equal(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout).trim();
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a device needs FFI and nothing else, and says so", async () => {
  await using board = await PseudoBoard.open();
  const device = { kind: "device", path: board.path };
  assert.equal(await openUnder(["--allow-ffi"], device), "opened");
  const refusal = "config: a serial port cannot be opened without permission for FFI; run with --allow-ffi";
  assert.equal(await openUnder([], device), refusal);
  assert.equal(await openUnder(["--allow-read", "--allow-write", "--allow-run"], device), refusal);
});

Deno.test("a socket needs its address, and a loop nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const socket = { kind: "socket", host: "127.0.0.1", port };
  assert.equal(await openUnder([`--allow-net=127.0.0.1:${port}`], socket), "opened");
  assert.match(await openUnder([], socket), /^unavailable: .*net access/);
  assert.equal(await openUnder([], { kind: "loop" }), "opened");
});
