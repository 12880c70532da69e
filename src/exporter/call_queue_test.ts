import fc from "fast-check";
import assert from "node:assert/strict";
import { type Call, call, callStream, type Method, openStream } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { bareNode, rejectsWith } from "./bench_test.ts";
import { CallQueue } from "./call_queue.ts";
import { callMethod, callStreamMethod, openStreamMethod } from "./dispatch.ts";
import { ResourceTable } from "./resources.ts";

const { signal } = new AbortController();

Deno.test("turns are taken in the order of coming, never two at a time, whoever gives up meanwhile", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (patience) => {
    const queue = new CallQueue();
    const order: number[] = [];
    let inside = 0;
    const limits = patience.map(() => new AbortController());
    const first = await queue.enter(signal);
    const turns = patience.map(async (_, index) => {
      using _turn = await queue.enter(limits[index]?.signal ?? signal);
      assert.equal(++inside, 1);
      order.push(index);
      await Promise.resolve();
      inside--;
    });
    assert.equal(queue.length, patience.length);
    patience.forEach((stays, index) => stays || limits[index]?.abort(new Error("gone")));
    first[Symbol.dispose]();
    const outcomes = await Promise.allSettled(turns);
    assert.deepEqual(outcomes.map(({ status }) => status === "fulfilled"), patience);
    assert.deepEqual(order, patience.flatMap((stays, index) => stays ? [index] : []));
    assert.equal(queue.length, 0);
    using _again = await queue.enter(signal);
  }));
});

/** Methods that run until they are let go, and whether two of them ever ran at a time. */
function slowMethods(more: Pick<Call, "concurrent"> = {}) {
  const running = new Set<string>(), begun: string[] = [];
  const most = { value: 0 };
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const run = async (name: string) => {
    running.add(name);
    begun.push(name);
    most.value = Math.max(most.value, running.size);
    const gate = Promise.withResolvers<void>();
    gates.set(name, gate);
    await gate.promise;
    running.delete(name);
  };
  const methods: Record<string, Method> = {
    one: call({ ...more, run: () => run("one") }),
    two: call({ ...more, run: () => run("two") }),
    many: callStream({
      ...more,
      async *run() {
        yield 1;
        await run("many");
        yield 2;
      },
    }),
    look: call({ concurrent: true, run: () => "seen" }),
    raw: openStream({ run: () => ({ readable: new ReadableStream(), writable: new WritableStream() }) }),
  };
  const letGo = (name: string) => gates.get(name)?.resolve();
  return { methods, begun, running, most, letGo };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("plain and streaming calls of one driver take turns; looking and raw streams do not wait", async () => {
  const { methods, begun, most, letGo } = slowMethods();
  const { node } = bareNode(methods);
  const many = Array.fromAsync(callStreamMethod(node, "many", [], { signal }));
  const one = callMethod(node, "one", [], { signal });
  const two = callMethod(node, "two", [], { signal });
  await turn();
  assert.deepEqual(begun, ["many"]);
  assert.equal(await callMethod(node, "look", [], { signal }), "seen");
  await openStreamMethod(node, "raw", { signal });
  letGo("many");
  assert.deepEqual(await many, [1, 2]);
  await turn();
  assert.deepEqual(begun, ["many", "one"]);
  letGo("one");
  await one;
  await turn();
  letGo("two");
  await two;
  assert.deepEqual([begun, most.value], [["many", "one", "two"], 1]);
});

Deno.test("a driver that says so has its calls overlap", async () => {
  const { methods, running, letGo } = slowMethods();
  const { node } = bareNode(methods);
  const concurrent = { ...node, definition: { ...node.definition, concurrent: true } };
  const calls = ["one", "two"].map((name) => callMethod(concurrent, name, [], { signal }));
  await turn();
  assert.deepEqual([...running], ["one", "two"]);
  for (const name of ["one", "two"]) letGo(name);
  await Promise.all(calls);
  const own = slowMethods({ concurrent: false });
  const { node: strict } = bareNode(own.methods);
  const inTurns = ["one", "two"].map((name) =>
    callMethod({ ...strict, definition: { ...strict.definition, concurrent: true } }, name, [], { signal })
  );
  await turn();
  assert.deepEqual([...own.running], ["one"], "a method's own word counts");
  own.letGo("one");
  await turn();
  own.letGo("two");
  await Promise.all(inTurns);
});

Deno.test("a cancelled call that does not end keeps the next waiting, and one that waits can give up", async () => {
  const { methods, begun, letGo } = slowMethods();
  const { node } = bareNode(methods);
  const gone = new AbortController(), bored = new AbortController();
  const one = callMethod(node, "one", [], { signal: gone.signal });
  const two = rejectsWith(callMethod(node, "two", [], { signal: bored.signal }), "timeout");
  const many = Array.fromAsync(callStreamMethod(node, "many", [], { signal }));
  await turn();
  gone.abort();
  await turn();
  assert.deepEqual(begun, ["one"], "the method still runs");
  bored.abort(new JumpstarterError("timeout", "too late"));
  assert.match((await two).message, /rack\.bare\.two was cancelled: too late/);
  letGo("one");
  assert.equal(await one, null);
  await turn();
  letGo("many");
  await many;
  assert.deepEqual(begun, ["one", "many"], "who gave up is not called");
});

Deno.test("a stream that nobody reads to its end gives its turn back", async () => {
  const { methods, begun, letGo } = slowMethods();
  const { node } = bareNode(methods);
  for await (const value of callStreamMethod(node, "many", [], { signal })) {
    assert.equal(value, 1);
    break;
  }
  const one = callMethod(node, "one", [], { signal });
  await turn();
  assert.deepEqual(begun, ["one"]);
  letGo("one");
  await one;
});

Deno.test("a file whose call waits for its turn does not expire meanwhile", async () => {
  const table = new ResourceTable({ unusedTimeoutMs: 20 });
  const { connectionClosed } = { connectionClosed: signal };
  const gate = Promise.withResolvers<void>(), begun = Promise.withResolvers<void>();
  const { node } = bareNode({
    block: call({
      run() {
        begun.resolve();
        return gate.promise;
      },
    }),
    take: call({
      args: { safeParse: (data) => ({ success: true, data: data as Json[] }) },
      run: async (_device, [handle], { openSource }) => void (await openSource(handle)).cancel(),
    }),
  });
  const owner = { driverUuid: node.uuid, connectionClosed };
  using waits = await table.open(owner, null);
  using forgotten = await table.open(owner, null);
  const block = callMethod(node, "block", [], { signal });
  await begun.promise;
  const take = callMethod(node, "take", [waits.handle as unknown as Json], { signal, files: table.accessFor(owner) });
  // The one that no call has named expires.
  const isForgotten = forgotten.stream.readable.getReader().closed.catch(() => {});
  await Promise.race([isForgotten, forgotten.stream.writable.getWriter().closed]).catch(() => {});
  assert.equal(table.size, 1);
  gate.resolve();
  await Promise.all([block, take]);
  assert.equal(table.size, 0);
});
