/**
 * The messages and services of the wire contract, generated from the `.proto` files next door, and the few of
 * Google's types that they are made of. Import it as `pb`, so that a message always reads `pb.Something`.
 *
 * @module
 */
export * from "./gen/jumpstarter/direct/v1/direct_pb.ts";
export * from "./gen/jumpstarter/v1/common_pb.ts";
export * from "./gen/jumpstarter/v1/jumpstarter_pb.ts";
export * from "./gen/jumpstarter/v1/router_pb.ts";
export {
  type Empty,
  EmptySchema,
  NullValue,
  type Timestamp,
  timestampDate,
  timestampFromDate,
  timestampNow,
  TimestampSchema,
  type Value,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
