import assert from "node:assert/strict";
import { join } from "node:path";
import { repository } from "../../tests/fixtures/place.ts";

/** What both ends of a closed connection may leave; without this they leave 20 KB. */
const maxBytes = 6_000;

Deno.test("a connection that is closed leaves next to nothing in memory, at either end", async () => {
  const script = join(repository, "tests", "fixtures", "many_connections.ts");
  const args = ["run", "-A", "--v8-flags=--expose-gc", script];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const bytes = Number(new TextDecoder().decode(stdout));
  assert.ok(bytes < maxBytes, `${bytes} bytes for each connection`);
});
