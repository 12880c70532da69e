/**
 * The contract that both halves of a driver are written against: how a driver is defined, how its client is, and
 * how either is found by name.
 *
 * Permissions: none for the built-in drivers; see {@linkcode loadDriver} for drivers of others.
 *
 * @module
 */
export type { Encoding } from "../encoding.ts";
export type { ImageReport } from "../image_file.ts";
export type { ByteStream } from "./byte_stream.ts";
export {
  type ClientDefinition,
  type Command,
  type CommandArgument,
  type CommandContext,
  type CommandInput,
  type CommandOption,
  type CommandResult,
  defineClient,
} from "./client_definition.ts";
export {
  chosenCompression,
  type CommandFileOptions,
  type CommandSink,
  type CommandSource,
  compressionOption,
  openCommandSink,
  openCommandSource,
} from "./command_file.ts";
export {
  type Caller,
  type CallOptions,
  DriverClient,
  type DriverLink,
  type RemoteFile,
  type TransferOptions,
} from "./driver_client.ts";
export {
  type Call,
  call,
  type CallContext,
  type CallStream,
  callStream,
  defineDriver,
  type DriverDefinition,
  type Method,
  type OpenStream,
  openStream,
  type StartContext,
} from "./driver_definition.ts";
export { isFileArgument } from "./file_argument.ts";
export { inputFault } from "./input_fault.ts";
export { flashCommands, type FlashOptions, type ImageClient, parseImageReport } from "./flash_commands.ts";
export { type DriverPackage, loadClient, loadDriver, moduleIntegrity, modulePermissions } from "./load.ts";
