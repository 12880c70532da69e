import assert from "node:assert/strict";
import { type Caller, defineClient, DriverClient, type DriverPackage } from "../driver/mod.ts";
import { buildClients } from "./build_tree.ts";
import type { ReportNode } from "./report.ts";

class RelayClient extends DriverClient {}

const relay = defineClient({ label: "acme.Relay", summary: "A relay", client: RelayClient, commands: [] });
const loads: string[] = [];
const packages: DriverPackage[] = [{
  drivers: {},
  clients: {
    "acme.Relay"() {
      loads.push("acme.Relay");
      return Promise.resolve(relay);
    },
    "acme.Other": () => Promise.reject(new Error("nobody has such a driver, so nobody loads its client")),
  },
}];

const node = (name: string, label: string, children: ReportNode[] = []): ReportNode => ({
  name,
  uuid: `uuid of ${name}`,
  labels: label === "" ? {} : { "jumpstarter.dev/client": label },
  methodDescriptions: { on: "Close it" },
  children,
});

const noCaller = {} as Caller;

Deno.test("each driver gets its class, its caller and its children's clients", async () => {
  const callers = new Map<string, Caller>();
  const root = await buildClients(
    node("", "acme.Relay", [node("b", "acme.Relay"), node("a", "acme.Relay", [node("deep", "acme.Relay")])]),
    packages,
    ({ uuid }) => {
      const caller = { ...noCaller };
      callers.set(uuid, caller);
      return caller;
    },
  );
  assert.ok(root.client instanceof RelayClient);
  assert.equal(root.definition, relay);
  assert.deepEqual([...root.client.link.children.keys()], ["b", "a"], "the exporter's order");
  const deep = root.client.link.children.get("a")?.link.children.get("deep");
  assert.ok(deep instanceof RelayClient);
  assert.equal(deep.link.caller, callers.get("uuid of deep"));
  assert.deepEqual(deep.link.methodDescriptions, { on: "Close it" });
});

Deno.test("a label that nobody knows, or none, is a plain client that says which", async () => {
  for (const label of ["acme.Unknown", "", "constructor", "__proto__", "toString"]) {
    const built = await buildClients(node("x", label), packages, () => noCaller);
    assert.equal(built.client.constructor, DriverClient);
    assert.deepEqual([built.label, built.definition], [label, undefined]);
  }
});

Deno.test("only what is needed is loaded", async () => {
  loads.length = 0;
  await buildClients(node("x", "acme.Unknown"), packages, () => noCaller);
  assert.deepEqual(loads, []);
});
