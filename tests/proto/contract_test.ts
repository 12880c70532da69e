/**
 * Pins the names and numbers that every implementation shares. The tables are the contract; whoever changes one to
 * make a test pass has changed the wire.
 *
 * @module
 */
import { create, type DescField, type DescFile, fromBinary, fromJson, ScalarType, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";

const FILES: readonly DescFile[] = [
  pb.file_jumpstarter_v1_common,
  pb.file_jumpstarter_v1_jumpstarter,
  pb.file_jumpstarter_v1_router,
];

const CALL = ["1 string uuid", "2 string method", "3 repeated google.protobuf.Value args"];
const ANSWER = ["1 string uuid", "2 google.protobuf.Value result"];
const FRAME = ["1 bytes payload", "2 jumpstarter.v1.FrameType frame_type"];

const MESSAGES: Readonly<Record<string, readonly string[]>> = {
  DriverCallRequest: CALL,
  DriverCallResponse: ANSWER,
  DriverInstanceReport: [
    "1 string uuid",
    "2 optional string parent_uuid",
    "3 map<string, string> labels",
    "4 optional string description",
    "5 map<string, string> methods_description",
  ],
  EndSessionRequest: [],
  EndSessionResponse: ["1 bool success", "2 optional string message"],
  Endpoint: ["1 string endpoint", "2 string certificate", "3 string client_certificate", "4 string client_private_key"],
  GetReportResponse: [
    "1 string uuid",
    "2 map<string, string> labels",
    "3 repeated jumpstarter.v1.DriverInstanceReport reports",
    "4 repeated jumpstarter.v1.Endpoint alternative_endpoints",
    "5 string motd",
  ],
  GetStatusRequest: [],
  GetStatusResponse: [
    "1 jumpstarter.v1.ExporterStatus status",
    "2 optional string message",
    "3 uint64 status_version",
    "4 optional jumpstarter.v1.ExporterStatus previous_status",
  ],
  LogStreamResponse: [
    "1 string uuid",
    "2 string severity",
    "3 string message",
    "4 optional jumpstarter.v1.LogSource source",
    "5 optional string driver_type",
    "6 optional string operation",
    "7 optional google.protobuf.Timestamp timestamp",
    "8 map<string, string> structured_fields",
  ],
  ResetRequest: [],
  ResetResponse: [],
  StreamRequest: FRAME,
  StreamResponse: FRAME,
  StreamingDriverCallRequest: CALL,
  StreamingDriverCallResponse: ANSWER,
};

const ENUMS: Readonly<Record<string, readonly string[]>> = {
  ExporterStatus: [
    "EXPORTER_STATUS_UNSPECIFIED = 0",
    "EXPORTER_STATUS_OFFLINE = 1",
    "EXPORTER_STATUS_AVAILABLE = 2",
    "EXPORTER_STATUS_BEFORE_LEASE_HOOK = 3",
    "EXPORTER_STATUS_LEASE_READY = 4",
    "EXPORTER_STATUS_AFTER_LEASE_HOOK = 5",
    "EXPORTER_STATUS_BEFORE_LEASE_HOOK_FAILED = 6",
    "EXPORTER_STATUS_AFTER_LEASE_HOOK_FAILED = 7",
  ],
  FrameType: ["FRAME_TYPE_DATA = 0", "FRAME_TYPE_RST_STREAM = 3", "FRAME_TYPE_PING = 6", "FRAME_TYPE_GOAWAY = 7"],
  LogSource: [
    "LOG_SOURCE_UNSPECIFIED = 0",
    "LOG_SOURCE_DRIVER = 1",
    "LOG_SOURCE_BEFORE_LEASE_HOOK = 2",
    "LOG_SOURCE_AFTER_LEASE_HOOK = 3",
    "LOG_SOURCE_SYSTEM = 4",
  ],
};

const METHODS: readonly string[] = [
  "jumpstarter.v1.ExporterService/GetReport: google.protobuf.Empty, unary, jumpstarter.v1.GetReportResponse",
  "jumpstarter.v1.ExporterService/DriverCall: jumpstarter.v1.DriverCallRequest, unary, jumpstarter.v1.DriverCallResponse",
  "jumpstarter.v1.ExporterService/StreamingDriverCall: jumpstarter.v1.StreamingDriverCallRequest, server_streaming, jumpstarter.v1.StreamingDriverCallResponse",
  "jumpstarter.v1.ExporterService/LogStream: google.protobuf.Empty, server_streaming, jumpstarter.v1.LogStreamResponse",
  "jumpstarter.v1.ExporterService/Reset: jumpstarter.v1.ResetRequest, unary, jumpstarter.v1.ResetResponse",
  "jumpstarter.v1.ExporterService/GetStatus: jumpstarter.v1.GetStatusRequest, unary, jumpstarter.v1.GetStatusResponse",
  "jumpstarter.v1.ExporterService/EndSession: jumpstarter.v1.EndSessionRequest, unary, jumpstarter.v1.EndSessionResponse",
  "jumpstarter.v1.RouterService/Stream: jumpstarter.v1.StreamRequest, bidi_streaming, jumpstarter.v1.StreamResponse",
];

/** A field as its line in a `.proto` file, without the label of a map. */
function lineOf(field: DescField): string {
  const label = field.fieldKind === "list" ? "repeated " : field.proto.proto3Optional ? "optional " : "";
  const value = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  const type = field.fieldKind === "map" ? `map<${scalarName(field.mapKey)}, ${value}>` : value;
  return `${field.number} ${label}${type} ${field.name}`;
}

function scalarName(scalar: ScalarType | undefined): string {
  return scalar === undefined ? "nothing" : ScalarType[scalar].toLowerCase();
}

Deno.test("the messages are those of the contract, with their fields and numbers", () => {
  const found = FILES.flatMap(({ messages }) => messages).map(({ name, fields }) =>
    [name, fields.map(lineOf)] as const
  );
  assert.deepEqual(Object.fromEntries(found.toSorted()), MESSAGES);
});

Deno.test("the enums are those of the contract, with their values and numbers", () => {
  const found = FILES.flatMap(({ enums }) => enums).map(({ name, values }) =>
    [name, values.map((value) => `${value.name} = ${value.number}`)] as const
  );
  assert.deepEqual(Object.fromEntries(found.toSorted()), ENUMS);
});

Deno.test("the services are those of the contract, with their methods and kinds", () => {
  const methods = FILES.flatMap(({ services }) => services).flatMap((service) => service.methods);
  const found = methods.map(({ parent, name, input, output, methodKind }) =>
    `${parent.typeName}/${name}: ${input.typeName}, ${methodKind}, ${output.typeName}`
  );
  assert.deepEqual(found, METHODS);
});

Deno.test("a call keeps its form on the wire", () => {
  const request = create(pb.DriverCallRequestSchema, {
    uuid: "u",
    method: "on",
    args: [fromJson(pb.ValueSchema, null), fromJson(pb.ValueSchema, true)],
  });
  const bytes = toBinary(pb.DriverCallRequestSchema, request);
  // 1: "u", 2: "on", 3: {null_value: 0}, 3: {bool_value: true}
  assert.equal(bytes.toHex(), "0a0175" + "12026f6e" + "1a020800" + "1a022001");
  assert.deepEqual(fromBinary(pb.DriverCallRequestSchema, bytes), request);
});

Deno.test("a frame of the unknown kind 9 is read, not refused", () => {
  const frame = fromBinary(pb.StreamRequestSchema, Uint8Array.fromHex("0a01ff" + "1009"));
  assert.deepEqual([Number(frame.frameType), [...frame.payload]], [9, [255]]);
});
