/** The one call that the children of this test make and answer. */
import type { Client, ServiceDefinition } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";

const PATH = "/goaway.Test/Echo";
const asIs = (bytes: Buffer) => bytes;

/** The service that answers with what it was sent. */
export const echoService: ServiceDefinition = {
  echo: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/** Calls once. */
export function echo(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    client.makeUnaryRequest(
      PATH,
      asIs,
      asIs,
      Buffer.from("hello"),
      { deadline },
      (error) => error ? reject(error) : resolve(),
    );
  });
}
