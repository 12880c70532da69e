/**
 * A warm `j`: a process that has everything loaded runs the commands of those that have not. The `j` that is typed
 * only relays its terminal, over a Unix socket in a directory that nobody else can enter.
 *
 * This room knows no command and no exporter. Nothing of it is loaded by the half that `j` runs on but itself: no
 * package, and no module of Node's.
 *
 * Permissions: to read and write the socket, `--allow-net=unix:` with it, and `--allow-sys=uid`.
 *
 * @module
 */
import type { AgentOptions } from "./serve_agent.ts";

export { type AgentOutcome, type AgentRequest, runOnAgent } from "./run_on_agent.ts";
export type { AgentOptions };

/** Serves an agent; see `serve_agent.ts`, which `j` does not load. */
export async function serveAgent(options: AgentOptions): Promise<AsyncDisposable> {
  const server = await import("./serve_agent.ts");
  return await server.serveAgent(options);
}
