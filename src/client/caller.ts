import * as pb from "../../proto/mod.ts";
import type { Caller } from "../driver/mod.ts";
import { DriverError, type ErrorCode, JumpstarterError } from "../errors.ts";
import { type Channel, fromValue, openFrameStream, toValue } from "../rpc/mod.ts";
import { download, upload } from "./transfer.ts";

/** Carries calls to the driver called `name` over a channel. */
export function driverCaller(channel: Channel, { uuid, name }: { uuid: string; name: string }): Caller {
  const { driverCall, streamingDriverCall } = pb.ExporterService.method;
  return {
    async call(method, args, options) {
      try {
        const response = await channel.unary(driverCall, { uuid, method, args: args.map(toValue) }, options);
        return fromValue(response.result);
      } catch (error) {
        throw ofDriver(error, name, method);
      }
    },
    async *callStream(method, args, options) {
      const request = { uuid, method, args: args.map(toValue) };
      try {
        for await (const { result } of channel.serverStream(streamingDriverCall, request, options)) {
          yield fromValue(result);
        }
      } catch (error) {
        throw ofDriver(error, name, method);
      }
    },
    async openStream(method, options) {
      const request = JSON.stringify({ kind: "driver", uuid, method });
      const duplex = channel.duplex(pb.RouterService.method.stream, { request }, options);
      const stream = openFrameStream(duplex);
      try {
        // The exporter's first word is that the driver has connected to its device.
        await duplex.metadata();
        return stream;
      } catch (error) {
        throw ofDriver(error, name, method);
      }
    },
    upload: (source, use, options) => upload(channel, uuid, source, use, options),
    download: (sink, use, options) => download(channel, uuid, sink, use, options),
  };
}

/** Codes that a driver's own errors have; the others are the exporter's or the connection's. */
const driverCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "not_found",
  "unimplemented",
  "invalid_argument",
  "unavailable",
  "io",
  "driver",
]);

/** A driver's typed error arrives as the same typed error. */
function ofDriver(error: unknown, driver: string, method: string): unknown {
  if (!(error instanceof JumpstarterError) || !driverCodes.has(error.code)) return error;
  return new DriverError(error.code, error.message, { driver, method, hint: error.hint, cause: error });
}
