import { z } from "zod";
import { call, defineDriver, type DriverDefinition, openStream } from "../../src/driver/mod.ts";
import { formatTarget } from "../../src/socket_stream.ts";
import { parsePortUrl } from "./port_url.ts";
import { type SerialConfig, SerialDevice } from "./serial_device.ts";

const url = z.string().transform((text, context) => {
  const parsed = parsePortUrl(text);
  if (typeof parsed !== "string") return parsed;
  context.addIssue({ code: "custom", message: parsed });
  return z.NEVER;
});

/** The Python implementation takes null for false. */
const flag = z.boolean().nullable();

const config = z.strictObject({
  url,
  baudrate: z.int().min(1).max(2 ** 32 - 1).default(115_200),
  check_present: flag.default(true).transform(Boolean),
  // The Python implementation takes 0 and null for no limit.
  cps: z.number().min(0).nullish().transform((cps) => cps ?? undefined),
  disable_hupcl: flag.default(false).transform(Boolean),
});

const oneBoolean = z.tuple([z.boolean()]);

/** A serial port. */
export const pySerial: DriverDefinition = defineDriver<SerialConfig, SerialDevice>({
  type: "jumpstarter_driver_pyserial.driver.PySerial",
  client: "jumpstarter_driver_pyserial.client.PySerialClient",
  summary: "A serial port",
  config,
  permissions: ({ url }) => {
    if (url.kind === "device") return [{ kind: "ffi" }];
    return url.kind === "socket" ? [{ kind: "net", of: formatTarget(url) }] : [];
  },
  start: (settings, { log }) => SerialDevice.start(settings, log),
  concurrent: true, // opening and closing keep their own order, and closing ends what waits for the port
  methods: {
    connect: openStream({
      summary: "Connect to the port, beside whoever else is",
      run: (device: SerialDevice, { signal }) => device.connect("both", signal),
    }),
    send: openStream({
      summary: "Send to the port without reading from it; ends when all has been sent",
      run: (device: SerialDevice, { signal }) => device.connect("send", signal),
    }),
    close: call({
      summary: "End every connection and close the port",
      run: (device: SerialDevice) => device.close(),
    }),
    set_dtr: call({
      summary: "Set the DTR line",
      args: oneBoolean,
      run: (device: SerialDevice, [value], { signal }) => device.setLine("dtr", value, signal),
    }),
    set_rts: call({
      summary: "Set the RTS line",
      args: oneBoolean,
      run: (device: SerialDevice, [value], { signal }) => device.setLine("rts", value, signal),
    }),
  },
});
