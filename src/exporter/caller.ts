import type { ServerCall } from "../rpc/mod.ts";

/** Who calls, and until when: what a session knows of a call, whatever that has come by. */
export type Caller = Omit<ServerCall, "metadata" | "sendMetadata">;
