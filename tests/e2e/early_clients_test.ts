/** A client that comes while the drivers of an exporter start, where nothing comes of that. */
import assert from "node:assert/strict";
import { exitCodes } from "../../src/exit_codes.ts";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { writeConfig } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { type Ended, type Program, startJmp } from "../fixtures/program.ts";

/** What becomes of the exporter. */
const rows: readonly {
  readonly what: string;
  /** Ends the exporter, whose driver starts until `hangUp`; answers how it ended. */
  end(exporter: Program, hangUp: () => void): Promise<Ended>;
  check(ended: Ended): void;
}[] = [
  {
    what: "a required driver that cannot start",
    async end(exporter, hangUp) {
      hangUp();
      return await exporter.ended();
    },
    check(ended) {
      const says = /Cannot start the driver "relay" \(acme\.Relay\): the board hangs up$/;
      assertBriefError(ended, { code: exitCodes.driver, says });
    },
  },
  {
    what: "a stop",
    async end(exporter, hangUp) {
      exporter.signal("SIGTERM");
      await exporter.seeErr("Stopping (SIGTERM)");
      hangUp();
      return await exporter.ended();
    },
    check({ code, stderr }) {
      assert.equal(code, exitCodes.ok, stderr);
      assert.deepEqual(stderr.match(/(?<=INFO +)\S+/g), ["Stopping", "Stopped"], stderr);
    },
  },
];

for (const { what, end, check } of rows) {
  Deno.test(`a client that waits while drivers start is told the truth after ${what}`, async () => {
    await using place = await Place.open();
    using bench = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await place.write(
      "relay.ts",
      `export const relay = { type: "acme.Relay", client: "x", summary: "", methods: {},
        async start() {
          using board = await Deno.connect({ port: ${bench.addr.port} });
          await board.read(new Uint8Array(1));
          throw new Error("the board hangs up");
        } };\n`,
    );
    const config = await writeConfig(place, {
      export: { relay: { type: "./relay.ts#relay", required: true } },
      hooks: { beforeLease: { script: "echo prepared" }, afterLease: { script: "echo tidied" } },
    });
    const address = `127.0.0.1:${freePort()}`, insecure = "--tls-grpc-insecure";
    const serving = ["--exporter-config", config, "--tls-grpc-listener", address, insecure];
    await using exporter = startJmp(place, ["run", ...serving]);
    const board = await bench.accept();
    const words = ["shell", "--tls-grpc", address, insecure, "--connect-timeout", "60", "--", "echo", "reached"];
    await using client = startJmp(place, words);
    const [waiting] = await client.seeErr(`Waiting for the exporter at ${address} to answer (up to 60 s)\n`);
    check(await end(exporter, () => board.close()));
    const ended = await client.ended();
    const says = new RegExp(`Cannot connect to ${RegExp.escape(address)}: connection refused`);
    const error = { ...ended, stderr: ended.stderr.replace(waiting, "") };
    assertBriefError(error, { code: exitCodes.connect, says, hint: /is the exporter running/ });
    assert.deepEqual(await place.leftFiles(), []);
  });
}
