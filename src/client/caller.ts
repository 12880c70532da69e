import * as pb from "../../proto/mod.ts";
import type { Caller } from "../driver/mod.ts";
import { type Channel, fromValue, openFrameStream, toValue } from "../rpc/mod.ts";

/** Carries one driver's calls over a channel. */
export function driverCaller(channel: Channel, uuid: string): Caller {
  const { driverCall, streamingDriverCall } = pb.ExporterService.method;
  return {
    async call(method, args, options) {
      const response = await channel.unary(driverCall, { uuid, method, args: args.map(toValue) }, options);
      return fromValue(response.result);
    },
    async *callStream(method, args, options) {
      const request = { uuid, method, args: args.map(toValue) };
      for await (const { result } of channel.serverStream(streamingDriverCall, request, options)) {
        yield fromValue(result);
      }
    },
    openStream(method, options) {
      const request = JSON.stringify({ kind: "driver", uuid, method });
      return Promise.resolve(openFrameStream(channel.duplex(pb.RouterService.method.stream, { request }, options)));
    },
  };
}
