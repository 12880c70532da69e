import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";
import { clientLabel, parseReport, type ReportNode } from "./report.ts";

const parse = (reports: MessageInitShape<typeof pb.DriverInstanceReportSchema>[]) =>
  parseReport(reports.map((report) => create(pb.DriverInstanceReportSchema, report)));
const named = (name: string) => ({ "jumpstarter.dev/name": name });

/** The tree as nested names. */
const shape = ({ name, children }: ReportNode): unknown =>
  children.length === 0 ? name : [name, ...children.map(shape)];

Deno.test("children hang where their parents stand, in the order of the list", () => {
  const tree = parse([
    { uuid: "r" },
    { uuid: "b", parentUuid: "r", labels: named("b") },
    { uuid: "b1", parentUuid: "b", labels: named("b1") },
    { uuid: "a", parentUuid: "r", labels: named("a") },
    { uuid: "b2", parentUuid: "b", labels: named("b2") },
  ]);
  assert.deepEqual(shape(tree), ["", ["b", "b1", "b2"], "a"]);
});

Deno.test("an id that comes twice is two drivers, each with the children after it", () => {
  const tree = parse([
    { uuid: "r" },
    { uuid: "x", parentUuid: "r", labels: named("proxy") },
    { uuid: "y", parentUuid: "x", labels: named("power") },
    { uuid: "x", parentUuid: "r", labels: named("real") },
    { uuid: "y", parentUuid: "x", labels: named("power") },
    { uuid: "z", parentUuid: "x", labels: named("serial") },
  ]);
  assert.deepEqual(shape(tree), ["", ["proxy", "power"], ["real", "power", "serial"]]);
  assert.deepEqual(tree.children.map(({ uuid }) => uuid), ["x", "x"]);
});

Deno.test("an empty report is an exporter without devices", () => {
  const { name, uuid, labels, children } = parse([]);
  assert.deepEqual({ name, uuid, labels, children }, { name: "", uuid: "", labels: {}, children: [] });
  assert.deepEqual(shape(parse([{ uuid: "r" }])), "");
});

Deno.test("an unknown parent, a parent that comes later, and one's own self are no place to hang", () => {
  for (const parentUuid of ["nobody", "late", "self", ""]) {
    const tree = parse([
      { uuid: "r" },
      { uuid: "self", parentUuid, labels: named("lost") },
      { uuid: "late", parentUuid: "r", labels: named("late") },
      { uuid: "fine", parentUuid: "r", labels: named("fine") },
    ]);
    assert.deepEqual(shape(tree), ["", "late", "fine"], parentUuid);
  }
});

Deno.test("descriptions, labels and the client's class come along; an empty description is none", () => {
  const tree = parse([{
    uuid: "r",
    description: "",
    labels: { "jumpstarter.dev/client": "acme.Client", room: "7" },
    methodsDescription: { on: "Close it" },
  }]);
  assert.equal(tree.description, undefined);
  assert.deepEqual([tree.labels.room, tree.methodDescriptions, clientLabel(tree)], [
    "7",
    { on: "Close it" },
    "acme.Client",
  ]);
  assert.equal(clientLabel({ labels: {} }), "");
});
