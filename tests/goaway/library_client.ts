/**
 * A client as a program of a user's is one: makes 1,000 calls, ten at a time, and prints `called`. Then it either closes,
 * or goes on calling until the exporter is gone, and prints `lost`.
 *
 * `library_client.ts <address> closes|stays`
 */
import { connect, JumpstarterError } from "../../mod.ts";

const [address = "", end] = Deno.args;
await using exporter = await connect(address, { insecure: true, reconnectTimeoutMs: 0 });
const call = () => exporter.driver("store").call("exists", ["nothing"]);
for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, call));
console.log("called");
if (end === "stays") {
  // An exporter that stops refuses calls before it is gone.
  const outcome = () => call().then(() => "OK", (error) => error instanceof JumpstarterError ? error.code : error);
  while (await outcome() !== "connection_lost");
  console.log("lost");
} else {
  // Without this rest the close harms no server.
  await new Promise((resolve) => setTimeout(resolve, 300));
}
