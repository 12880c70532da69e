/**
 * Records anew what the Python implementation puts on the wire: `deno task golden`. The recordings are kept, so that
 * their tests need no Python; they change when the peer's release does, or when something is added to `record.py`.
 */
import { join } from "node:path";
import { Place } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";
import { preparePythonPeer } from "../../peer/support/python_peer.ts";
import { pythonSide } from "../../peer/support/side.ts";
import { writeGoldenConfig } from "./config.ts";

const peer = await preparePythonPeer();
if (peer.kind === "absent") throw new Error(`nothing can be recorded: ${peer.why}`);
const { env } = pythonSide(peer.venv);
await using place = await Place.open();
const config = await writeGoldenConfig(place, "Python");

for (const [name, ...words] of [["messages"], ["conversation", config]] as const) {
  await using program = new Program(place, [
    "env",
    "python",
    join(import.meta.dirname ?? "", "record.py"),
    name,
    ...words,
  ], {
    env,
  });
  const { code, stdout, stderr } = await program.ended();
  if (code !== 0) throw new Error(`record.py ${name} failed:\n${stderr}`);
  const file = new URL(`${name}.json`, import.meta.url);
  await Deno.writeTextFile(file, `${stdout.trimEnd()}\n`);
  console.log(`${file.pathname}: ${stdout.length} characters`);
}
