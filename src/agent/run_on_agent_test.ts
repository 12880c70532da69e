/** A `j` where there is no agent, or none for it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type AgentRun, openAgentBench, startByHand } from "../../tests/fixtures/agent.ts";
import { openFakeTerminal } from "../../tests/fixtures/terminal.ts";
import { FrameConnection, toBytes } from "./frames.ts";
import { runOnAgent } from "./mod.ts";

Deno.test("what is not for this agent is left to the j, and nothing has been done", async (t) => {
  let runs = 0;
  const run: AgentRun = () => Promise.resolve(runs++);
  await using bench = await openAgentBench(run, { accepts: ({ env }) => env.HOST === "ours" });
  const terminal = openFakeTerminal({ facts: { env: { HOST: "ours" } } });
  const notRun = { kind: "notRun" };
  await t.step("another exporter", async () => assert.deepEqual(await bench.type(openFakeTerminal()), notRun));
  await t.step("another program", async () => {
    const { path } = bench;
    assert.deepEqual(await runOnAgent({ path, program: "another", args: [], terminal }), notRun);
  });
  for (const [what, user] of [["another user", { uid: 4711 }], ["files with other permissions", { umask: 0o007 }]]) {
    await t.step(String(what), async () => {
      using connection = await startByHand(bench.path, { facts: terminal.facts, user });
      assert.equal((await connection.receive())?.name, "declined");
    });
  }
  await t.step("a file that only the j has", async () => {
    const { path } = bench;
    for (const word of ["/dev/fd/63", "/dev/stderr", "--file=/proc/self/fd/3", "boot:/dev/fd/63"]) {
      assert.deepEqual(await runOnAgent({ path, program: "this one", args: ["write", word], terminal }), notRun, word);
    }
  });
  await t.step("no agent", async () => {
    const path = `${bench.path}.none`;
    assert.deepEqual(await runOnAgent({ path, program: "this one", args: [], terminal }), notRun);
  });
  await t.step("a socket that is left over", async () => {
    const { path } = bench;
    await bench.stop();
    assert.deepEqual(await runOnAgent({ path, program: "this one", args: [], terminal }), notRun);
  });
  assert.equal(runs, 0);
});

/** Something that listens where an agent should, and is none. */
async function openImpostor(
  serve: (connection: FrameConnection) => Promise<void>,
): Promise<AsyncDisposable & { path: string }> {
  const dir = await Deno.makeTempDir({ prefix: "jmp-agent-" });
  const path = join(dir, "agent.sock");
  const listener = Deno.listen({ transport: "unix", path });
  const serving = listener.accept().then(async (socket) => {
    using connection = new FrameConnection(socket);
    await serve(connection);
  });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await serving;
      listener.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

Deno.test("an agent that says nothing is not waited for", async () => {
  await using silent = await openImpostor(async (connection) => void await connection.receive());
  const request = { path: silent.path, program: "this one", args: [], terminal: openFakeTerminal() };
  assert.deepEqual(await runOnAgent(request), { kind: "notRun" });
});

Deno.test("an agent that ends while the command runs is told of, since the command may have done its work", async () => {
  await using dying = await openImpostor(async (connection) => {
    await connection.send("hello", toBytes("this one"));
    assert.equal((await connection.receive())?.name, "start");
  });
  const request = { path: dying.path, program: "this one", args: [], terminal: openFakeTerminal() };
  assert.deepEqual(await runOnAgent(request), { kind: "lost" });
});
