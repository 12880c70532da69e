/**
 * The client of storages.
 *
 * @example
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { OpendalClient } from "@jumpstarter/cli/opendal";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const storage = exporter.driver("storage", OpendalClient);
 * await storage.writeFromPath("images/board.img", "build/board.img");
 * for await (const path of storage.list("images/")) console.log(path);
 * ```
 *
 * @module
 */
import { type ClientDefinition, defineClient } from "../../src/driver/mod.ts";
import { opendalCommands } from "./commands.ts";
import { OpendalClient } from "./opendal_client.ts";

export { type Metadata, OpendalClient } from "./opendal_client.ts";
export { type FileContent, OpendalFile, type SeekOrigin } from "./opendal_file.ts";
export type { HashAlgorithm, OpenMode, PresignedRequest } from "./wire.ts";

/** How `j` drives a storage. */
export const opendalClient: ClientDefinition = defineClient<OpendalClient>({
  label: "jumpstarter_driver_opendal.client.OpendalClient",
  summary: "A storage for files",
  client: OpendalClient,
  commands: opendalCommands,
});
