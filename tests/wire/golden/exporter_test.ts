/** Our exporter, asked in the Python client's own bytes: it must answer what the Python exporter answered, or better. */
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as pb from "../../../proto/mod.ts";
import { startExporter } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import { type Answer, BytesClient } from "./bytes_client.ts";
import { writeGoldenConfig } from "./config.ts";
import { conversation, methodOf, type RecordedCall, unframe } from "./recorded.ts";

/** Where the contract asks for more than release 0.9.0 does: what its details begin with, and our status. */
const better: readonly (readonly [RegExp, string])[] = [
  [/^\[Errno 111\]/, "UNAVAILABLE"],
  [/^\[Errno 5\]/, "INTERNAL"],
  [/positional argument/, "INVALID_ARGUMENT"],
  [/'KeyError'/, "NOT_FOUND"],
  [/'ValueError'/, "INVALID_ARGUMENT"],
];

Deno.test("our exporter answers the recorded client as the recorded exporter did, or better", async (t) => {
  await using place = await Place.open();
  const config = await writeGoldenConfig(place, "ours");
  const security = ["--tls-grpc-insecure", "--passphrase", "correct-horse battery"];
  await using exporter = await startExporter(place, { config, security });
  await exporter.ready();
  using client = new BytesClient(exporter.port);
  const ids = new Ids();
  let transfer: (() => Promise<void>) | undefined;
  for (const [index, recorded] of conversation.entries()) {
    if (isPacked(index)) continue;
    await t.step(`${index}: ${recorded.method} ${recorded.metadata.request ?? ""}`, async () => {
      const metadata = Object.fromEntries(
        Object.entries(recorded.metadata).map(([key, text]) => [key, ids.inText(text)]),
      );
      const call = client.ask(recorded.method, metadata, unframe(recorded.up).map((bytes) => ids.inBytes(bytes)));
      if (recorded.method.endsWith("/LogStream")) {
        assertSameLine(recorded, await call.first);
        call.cancel();
        await call.answer;
      } else if (recorded.initial?.resource !== undefined) {
        // The call that comes next uses the file; its stream ends only then.
        ids.learn(idOf(recorded.initial.resource), idOf((await call.initial).resource));
        transfer = async () => assertSameAnswer(recorded, await call.answer);
      } else {
        const answer = await call.answer;
        if (recorded.method.endsWith("/GetReport")) ids.learnDevices(recorded, answer);
        assertSameAnswer(recorded, answer);
        await transfer?.();
        transfer = undefined;
      }
    });
  }
});

/** Files that are packed on their way, and the calls that use them. */
function isPacked(index: number): boolean {
  return [index, index - 1].some((index) => conversation[index]?.metadata.request?.includes("gzip"));
}

/** The recorded ids, and those that our exporter has instead. */
class Ids {
  readonly #ours = new Map<string, string>();

  learn(recorded: string, ours: string): void {
    this.#ours.set(recorded, ours);
  }

  learnDevices(recorded: RecordedCall, { messages }: Answer): void {
    const [theirs, ours] = [unframe(recorded.down), messages].map(([bytes]) =>
      fromBinary(pb.GetReportResponseSchema, bytes ?? assert.fail("no report")).reports
    );
    for (const [position, { uuid }] of theirs?.entries() ?? []) this.learn(uuid, ours?.[position]?.uuid ?? "");
  }

  inText(text: string): string {
    return text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => this.#ours.get(id) ?? id);
  }

  inBytes(bytes: Uint8Array): Uint8Array {
    return Buffer.from(this.inText(Buffer.from(bytes).toString("latin1")), "latin1");
  }
}

function idOf(resource: string | undefined): string {
  return (JSON.parse(resource ?? "{}") as { uuid: string }).uuid;
}

function assertSameAnswer(recorded: RecordedCall, answer: Answer): void {
  const { details = "" } = recorded;
  // What the client had to cancel, since the peer never ends it, ends by itself here.
  const asRecorded = recorded.status === "cancelled by the client" ? "OK" : recorded.status;
  const status = better.find(([pattern]) => pattern.test(details))?.[1] ?? asRecorded;
  assert.equal(answer.status, status, answer.details);
  const method = methodOf(recorded.method);
  if (method === undefined) return;
  if (isFailure(recorded) && status === asRecorded) assert.equal(answer.details, details);
  if (recorded === conversation.at(-1)) return assertNextSession(answer);
  const meanings = (messages: readonly Uint8Array[]) => meaningOf(method.output, messages);
  assert.deepEqual(meanings(answer.messages), meanings(unframe(recorded.down)));
}

/** After EndSession the peer's status is AVAILABLE for good; the contract asks for the next session. */
function assertNextSession({ messages: [bytes] }: Answer): void {
  const { status, previousStatus } = fromBinary(pb.GetStatusResponseSchema, bytes ?? assert.fail("no status"));
  const { LEASE_READY, BEFORE_LEASE_HOOK } = pb.ExporterStatus;
  assert.deepEqual([status, previousStatus], [LEASE_READY, BEFORE_LEASE_HOOK]);
}

/** Whether the driver itself failed, so that the details are its own words. */
function isFailure({ method, up }: RecordedCall): boolean {
  const [bytes] = unframe(up);
  return method.endsWith("/DriverCall") &&
    fromBinary(pb.DriverCallRequestSchema, bytes ?? assert.fail()).method === "fail";
}

/** What both exporters must agree on. */
function meaningOf(schema: DescMessage, messages: readonly Uint8Array[]): unknown {
  if (schema === pb.StreamResponseSchema) {
    const frames = messages.map((bytes) => fromBinary(pb.StreamResponseSchema, bytes));
    const ended = frames.findIndex(({ frameType }) => frameType === pb.FrameType.GOAWAY);
    const data = frames.slice(0, ended).map(({ payload }) => payload);
    return { text: Buffer.concat(data).toString(), isLast: ended === frames.length - 1 };
  }
  if (schema === pb.GetReportResponseSchema) {
    return messages.flatMap((bytes) => shapeOf(fromBinary(pb.GetReportResponseSchema, bytes).reports));
  }
  if (schema === pb.EndSessionResponseSchema) {
    return messages.map((bytes) => fromBinary(pb.EndSessionResponseSchema, bytes).success);
  }
  // Each answer has an id of its own.
  return messages.map((bytes) => ({ ...toJson(schema, fromBinary(schema, bytes)) as object, uuid: "" }));
}

/** The tree, with positions for ids. */
function shapeOf(reports: readonly pb.DriverInstanceReport[]): unknown[] {
  const position = (uuid: string | undefined) => reports.findIndex((report) => report.uuid === uuid);
  return reports.map(({ uuid, parentUuid, labels, description, methodsDescription: { on } }) => ({
    id: position(uuid),
    parent: position(parentUuid),
    client: labels["jumpstarter.dev/client"]?.replace(/^probe\..*/, ""),
    name: labels["jumpstarter.dev/name"],
    description,
    on: description === undefined ? undefined : on,
  }));
}

function assertSameLine(recorded: RecordedCall, bytes: Uint8Array): void {
  const lines = unframe(recorded.down).map((bytes) => fromBinary(pb.LogStreamResponseSchema, bytes));
  const line = lines.find(({ source }) => source === pb.LogSource.BEFORE_LEASE_HOOK);
  const { severity, message, source } = fromBinary(pb.LogStreamResponseSchema, bytes);
  assert.deepEqual([severity, message, source], [line?.severity, line?.message, line?.source]);
}
