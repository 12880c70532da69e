/** Whatever a peer sends: it is answered in words, and everybody else is served on. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { power } from "../../drivers/power/mod.ts";
import * as pb from "../../proto/mod.ts";
import { serveLocally } from "../fixtures/local_exporter.ts";
import { fuzz, type Held } from "./fuzz.ts";
import { driverCall } from "./messages.ts";

/** How long a server may take to answer one request; on a busy machine most of it is not the server's. */
const answerMs = 20_000;

/** How often an honest client looks whether it is served. */
const lookEvery = 100;

/** One request. */
interface Request {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** Whether it has an end. */
  readonly isWhole: boolean;
}

/** What ends the session would take the devices from the honest client as well. */
const paths = [pb.ExporterService, pb.RouterService].flatMap(({ typeName, methods }) =>
  methods.flatMap(({ name }) => name === "EndSession" ? [] : [`/${typeName}/${name}`])
);

/** Those that may never answer. */
const endless = new Set(
  [pb.ExporterService, pb.RouterService].flatMap(({ typeName, methods }) =>
    methods.flatMap(({ name, methodKind }) => methodKind === "unary" ? [] : [`/${typeName}/${name}`])
  ),
);

const headerText = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,60}[\x21-\x7e])?$/);
const headerName = fc.oneof(
  fc.constantFrom(
    "request",
    "x-jumpstarter-passphrase",
    "x-jumpstarter-hold",
    "grpc-timeout",
    "grpc-encoding",
    "x-bin",
  ),
  fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/),
);
const streamRequest = fc.record({
  kind: fc.constantFrom("driver", "resource", "", "__proto__"),
  uuid: fc.oneof(fc.string(), fc.jsonValue()),
  method: fc.oneof(fc.string(), fc.jsonValue()),
}, { requiredKeys: [] }).map((value) => JSON.stringify(value).replace(/[^\x20-\x7e]/g, "?"));

const withMetadata: fc.Arbitrary<Request> = fc.record({
  path: fc.oneof(fc.constantFrom(...paths), headerText.map((text) => `/${text}`)),
  headers: fc.array(
    fc.oneof(fc.tuple(headerName, headerText), fc.tuple(fc.constant("request"), streamRequest)),
    { maxLength: 6 },
  ),
  body: fc.constant(new Uint8Array(5)),
  isWhole: fc.constant(true),
});

const withCall: fc.Arbitrary<Request> = fc.record({
  path: fc.constantFrom(...paths),
  headers: fc.constant([]),
  body: fc.oneof(fc.uint8Array({ maxLength: 100 }), driverCall()),
  isWhole: fc.boolean(),
});

fuzz("metadata", withMetadata, serve);
fuzz("calls", withCall, serve);

async function serve(): Promise<Held<Request>> {
  const served = await serveLocally({ power: { type: "jumpstarter_driver_power.driver.MockPower" } }, [power]);
  let stranger = connectStranger(served.port);
  let count = 0;
  return {
    async holds(request) {
      if (stranger.closed || stranger.destroyed) stranger = connectStranger(served.port);
      const said = await answer(stranger, request);
      assert.doesNotMatch(said, /\n {4}at |file:\/\/|TypeError|RangeError|is not a function|Cannot read propert/);
      if (++count % lookEvery === 0) await served.exporter.driver("power").call("on");
    },
    async [Symbol.asyncDispose]() {
      stranger.destroy();
      await served[Symbol.asyncDispose]();
    },
  };
}

function connectStranger(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`).on("error", () => {/* the next request connects anew */});
}

/** What is said to a request: the text of its status, or nothing where it is broken off. */
async function answer(session: ClientHttp2Session, { path, headers, body, isWhole }: Request): Promise<string> {
  const fields = Object.fromEntries(headers.filter(([name]) => !["connection", "host", "te"].includes(name)));
  const stream = session.request({
    ...fields,
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const said = await new Promise<string>((resolve, reject) => {
    const text = (fields: Record<string, unknown>) => resolve(String(fields["grpc-message"] ?? ""));
    timer = setTimeout(() => reject(new Error(`no answer to ${path} within ${answerMs} ms`)), answerMs);
    stream.on("error", () => resolve("")).on("close", () => resolve("")).on("trailers", text);
    stream.on("response", (fields) => "grpc-status" in fields && text(fields)).resume();
    stream.write(body);
    if (isWhole) stream.end();
    // A stream that goes on may have nothing to say; who waits for more of a request has nothing to say yet.
    if (!isWhole || endless.has(path)) session.ping(() => session.ping(() => resolve("")));
  });
  clearTimeout(timer);
  stream.close(8);
  return decodeURIComponent(said); // which throws when it was not encoded
}
