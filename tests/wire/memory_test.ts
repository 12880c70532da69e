/**
 * What programs have resident while a source without end meets a reader that is slow, and then stops: the windows of
 * a connection and what waits to be collected, whatever has passed and whatever is still to come.
 */
import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { keepWriting, whenStopped } from "../fixtures/back_pressure.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { jmpWords, Program } from "../fixtures/program.ts";

const ignore = Deno.build.os !== "linux"; // what a process has resident is read from /proc
const MiB = 1024 * 1024;

/** Ours, and what the kernel keeps for two connections on each of their ends. */
const maxAheadBytes = 48 * MiB;

/** What a slow reader reads before it stops: if nothing of it were let go, no program would keep to its budget. */
const readBytes = 256 * MiB;

/** The most that a program may ever have resident; at rest it has some 90 MiB. */
const budgetMiB = 224;

async function assertBudget(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    const [, peakKiB] = /^VmHWM:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`)) ?? [];
    assert.ok(Number(peakKiB) <= budgetMiB * 1_024, `${peakKiB} KiB were resident`);
  }
}

for (const source of ["device", "client"] as const) {
  Deno.test({
    name: `a ${source} that never ends, and a slow reader`,
    ignore,
    async fn() {
      await using place = await Place.open();
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const config = { host: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port };
      const net = { type: "jumpstarter_driver_network.driver.TcpNetwork", config };
      await using exporter = await startExporter(place, { config: { export: { net } } });
      await exporter.ready();
      await using connected = await connect(exporter.address, { insecure: true });
      const client = connected.driver("net");
      const stream = await client.openStream("connect");
      const device = await listener.accept();
      const [from, to] = source === "device" ? [device, stream] : [stream, device];
      const writer = keepWriting(from.writable, Infinity);
      const reader = to.readable.getReader();
      let read = 0;
      const unread = {
        get bytes() {
          return writer.bytes - read;
        },
      };
      const callBeside = () => client.call("address");
      for (let callAt = 0; read < readBytes;) {
        const { value } = await reader.read();
        read += value?.length ?? assert.fail("it has ended");
        assert.ok(unread.bytes <= maxAheadBytes, `${unread.bytes} bytes are on their way`);
        if (read < callAt) continue;
        // A call for each MiB makes this reader by far the slowest.
        await callBeside();
        callAt = read + MiB;
      }
      await whenStopped(unread, maxAheadBytes, callBeside);
      await assertBudget(exporter.program.pid);
    },
  });
}

Deno.test({
  name: "a file that is larger than any memory, and a reader of j's output that stops",
  ignore,
  async fn() {
    await using place = await Place.open();
    const root = place.path("store");
    await Deno.mkdir(root);
    const path = await place.write("store/big", "");
    await Deno.truncate(path, 1024 * 1024 * MiB);
    const type = "jumpstarter_driver_opendal.driver.Opendal";
    const config = { export: { storage: { type, config: { scheme: "fs", kwargs: { root } } } } };
    await using exporter = await startExporter(place, { config });
    await exporter.ready();
    const pipe = `"$@" | { head -c ${readBytes} >/dev/null; echo stopped >&2; exec sleep 600; }`;
    const words = [...jmpWords, "j", "storage", "read-bytes", "big"];
    await using reader = new Program(place, ["sh", "-c", pipe, "sh", ...words], { env: exporter.env });
    await reader.seeErr("stopped");
    await using connected = await connect(exporter.address, { insecure: true });
    const storage = connected.driver("storage");
    const taken = {
      /** All that the exporter has read, its own code among it. */
      get bytes() {
        return Number(/^rchar: (\d+)$/m.exec(Deno.readTextFileSync(`/proc/${exporter.program.pid}/io`))?.[1]);
      },
    };
    await whenStopped(taken, readBytes + maxAheadBytes, () => storage.call("exists", ["big"]));
    const programs = [...await place.processes()].filter(([, command]) => command.startsWith(Deno.execPath()));
    assert.equal(programs.length, 2, "the exporter and the client");
    await assertBudget(...programs.map(([pid]) => pid));
  },
});
