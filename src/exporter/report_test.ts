import fc from "fast-check";
import assert from "node:assert/strict";
import { parseReport } from "../client/report.ts";
import { call, openStream } from "../driver/mod.ts";
import { bareNode, context, loadText, recordingPackages } from "./bench_test.ts";
import { planDrivers, startDrivers } from "./build_tree.ts";
import { driverUuid } from "./driver_node.ts";
import { nodesByUuid, reportTree } from "./report.ts";

async function treeOf(entries: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const loaded = loadText(entries, more), packages = recordingPackages([]);
  return await startDrivers(loaded.config, await planDrivers(loaded, packages), packages, context);
}

const plain = { type: "test.Plain" };
const nameOf = ({ labels }: { labels: Record<string, string> }) => labels["jumpstarter.dev/name"];

Deno.test("parents come before their children, in the order of the config", async () => {
  await using tree = await treeOf({ z: plain, rack: { children: { b: plain, a: plain } }, y: plain });
  const reports = [...reportTree(tree.root)];
  assert.deepEqual(reports.map(nameOf), [undefined, "z", "rack", "b", "a", "y"]);
  const [root, z, rack, b] = reports;
  assert.equal(root?.parentUuid, undefined);
  assert.deepEqual([z?.parentUuid, rack?.parentUuid, b?.parentUuid], [root?.uuid, root?.uuid, rack?.uuid]);
  assert.equal(root?.labels["jumpstarter.dev/client"], "jumpstarter_driver_composite.client.CompositeClient");
  assert.equal(z?.labels["jumpstarter.dev/client"], "test.PlainClient");
});

Deno.test("a proxy is its target once more, with all that hangs below it", async () => {
  await using tree = await treeOf({
    first: { ref: "rack" },
    rack: { children: { power: plain, again: { ref: "other" } } },
    other: plain,
  });
  const reports = [...reportTree(tree.root)];
  assert.deepEqual(reports.map(nameOf), [undefined, "first", "power", "again", "rack", "power", "again", "other"]);
  const uuids = reports.map(({ uuid }) => uuid);
  assert.equal(uuids[1], uuids[4]);
  assert.equal(uuids[2], uuids[5]);
  assert.equal(uuids[3], uuids[7]);
  assert.equal(nodesByUuid(tree.root).size, 4);
});

Deno.test("descriptions go along where the config has them", async () => {
  await using tree = await treeOf({
    power: { ...plain, description: "the board's relay", methods_description: { on: "Close it" } },
    bare: plain,
  }, { description: "rack 7" });
  const [root, power, bare] = reportTree(tree.root);
  assert.equal(root?.description, "rack 7");
  assert.equal(power?.description, "the board's relay");
  assert.deepEqual(power?.methodsDescription, { on: "Close it" });
  assert.deepEqual([bare?.description, bare?.methodsDescription], [undefined, {}]);
});

Deno.test("what a driver offers is a label", () => {
  const { node } = bareNode({ on: call({ run: () => null }), connect: openStream({ run: () => Promise.reject() }) });
  const [report] = reportTree(node, "x");
  assert.equal(report?.labels["jumpstarter.dev/methods"], "on:call connect:openStream");
});

Deno.test("an id is a UUID, the same after a restart, and of one place alone", () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  fc.assert(fc.property(fc.string(), fc.string(), fc.string(), (name, path, other) => {
    const uuid = driverUuid(name, path);
    assert.match(uuid, pattern);
    assert.equal(uuid, driverUuid(name, path));
    if (other !== path) assert.notEqual(uuid, driverUuid(name, other));
    if (other !== name) assert.notEqual(uuid, driverUuid(other, path));
  }));
});

Deno.test("any tree reads back as it was reported", async () => {
  const key = fc.string({ minLength: 1, maxLength: 3 }).filter((key) => !/[.\s]/.test(key) && !/^\d+$/.test(key));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, tie("entry"), { maxKeys: 3, noNullPrototype: true }),
    entry: fc.oneof({ depthSize: "small" }, fc.constant(plain), fc.record({ children: tie("tree") })),
  }));
  await fc.assert(
    fc.asyncProperty(tree, async (entries) => {
      const names = (entries: unknown): unknown =>
        Object.entries(entries as Record<string, { children?: unknown }>)
          .map(([name, entry]) => [name, names(entry.children ?? {})]);
      type Parsed = ReturnType<typeof parseReport>;
      const parsedNames = ({ children }: Parsed): unknown => children.map((child) => [child.name, parsedNames(child)]);
      await using built = await treeOf(entries as Record<string, unknown>);
      const reports = [...reportTree(built.root)].map((report) => ({ $typeName: "", ...report }) as never);
      assert.deepEqual(parsedNames(parseReport(reports)), names(entries));
    }),
    { numRuns: 50 },
  );
});
