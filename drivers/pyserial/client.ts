/**
 * The client of serial ports.
 *
 * @example Talk to a board
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { PySerialClient } from "@jumpstarter/cli/pyserial";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const { readable, writable } = await exporter.driver("console", PySerialClient).connect();
 * ```
 *
 * @module
 */
import { type ClientDefinition, defineClient } from "../../src/driver/mod.ts";
import { runConsole } from "./console.ts";
import { parsePipeOptions, runPipe } from "./pipe.ts";
import { PySerialClient } from "./serial_client.ts";

export { PySerialClient };

/** How `j` drives a serial port. */
export const pySerialClient: ClientDefinition = defineClient<PySerialClient>({
  label: "jumpstarter_driver_pyserial.client.PySerialClient",
  summary: "A serial port",
  client: PySerialClient,
  commands: [
    {
      name: "start-console",
      summary: "Talk to the port from this terminal; ctrl-B three times leaves",
      run: (serial, _input, context) => runConsole(serial, context),
    },
    {
      name: "pipe",
      summary: "Print what the port sends, and send it what is piped in",
      options: [
        { name: "output", short: "o", type: "string", summary: "Write to this file instead of standard output" },
        { name: "input", short: "i", type: "boolean", summary: "Send standard input also when it is a terminal" },
        { name: "no-input", type: "boolean", summary: "Send nothing, also when something is piped in" },
        { name: "append", short: "a", type: "boolean", summary: "Add to the file instead of replacing it" },
        { name: "no-output", type: "boolean", summary: "Only send, and end when all is sent" },
      ],
      run: (serial, { options }, context) => runPipe(serial, parsePipeOptions(options, context), context),
    },
  ],
});
