/** What was recorded from the Python implementation, as `record.py` has written it down. */
import { type DescMessage, type DescMethod, fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import * as pb from "../../../proto/mod.ts";

/** A message of the peer's stubs. */
export interface RecordedMessage {
  readonly name: string;
  readonly type: string;
  /** What the stubs say that it means. */
  readonly json: unknown;
  readonly hex: string;
}

/** A call of the peer's client to its exporter. */
export interface RecordedCall {
  readonly method: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly initial: Readonly<Record<string, string>>;
  /** The name of its gRPC status, or that the client has cancelled it. */
  readonly status: string;
  readonly details?: string;
  readonly trailing?: Readonly<Record<string, string>>;
  /** What the DATA frames carried to the exporter and back. */
  readonly up: string;
  readonly down: string;
}

/** The recorded messages. */
export const messages = await load("messages.json") as readonly RecordedMessage[];
/** The recorded calls, in the order in which they began. */
export const conversation = await load("conversation.json") as readonly RecordedCall[];

const schemas: readonly DescMessage[] = [
  ...pb.file_jumpstarter_v1_jumpstarter.messages,
  ...pb.file_jumpstarter_v1_router.messages,
  pb.EmptySchema,
  pb.ValueSchema,
];

/** The schema of a message's full name. */
export function schemaOf(type: string): DescMessage {
  return schemas.find(({ typeName }) => typeName === type) ?? assert.fail(`no schema ${type}`);
}

/** The method of a path, if this contract has it. */
export function methodOf(path: string): DescMethod | undefined {
  return [pb.ExporterService, pb.RouterService].flatMap(({ methods }) => [...methods])
    .find((method) => `/${method.parent.typeName}/${method.name}` === path);
}

/** The messages in what DATA frames carried. Each begins with a flag, which says that it is plain, and its length. */
export function unframe(hex: string): Uint8Array[] {
  const bytes = Uint8Array.fromHex(hex);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = new DataView(bytes.buffer, at + 1, 4).getUint32(0);
    assert.equal(bytes[at], 0, "compressed");
    found.push(bytes.slice(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return found;
}

/** Whether two encodings are of one message. Only the order of a map's entries may differ. */
export function isSameMessage(schema: DescMessage, one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && isDeepStrictEqual(fromBinary(schema, one), fromBinary(schema, other));
}

async function load(file: string): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(new URL(file, import.meta.url)));
}
