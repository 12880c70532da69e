/** What the tests of this room share: a config as a value, drivers that record what happens to them, one bare node. */
import { z } from "zod";
import assert from "node:assert/strict";
import { composite } from "../../drivers/composite/mod.ts";
import { type LoadedConfig, readConfig, wholeConfig } from "../config/mod.ts";
import { defineDriver, type DriverDefinition, type DriverPackage, type Method } from "../driver/mod.ts";
import { type ErrorCode, JumpstarterError } from "../errors.ts";
import { Logger, type LogRecord } from "../log.ts";
import { CallQueue } from "./call_queue.ts";
import type { DriverNode } from "./driver_node.ts";

/** The config of an exporter called `bench` with these entries; `more` goes to its top level. */
export function loadText(entries: Record<string, unknown>, more: Record<string, unknown> = {}): LoadedConfig {
  // JSON is YAML, and indented it has a line for each value.
  const text = JSON.stringify(
    {
      apiVersion: "jumpstarter.dev/v1alpha1",
      kind: "ExporterConfig",
      metadata: { name: "bench" },
      export: entries,
      ...more,
    },
    undefined,
    2,
  );
  return { ...wholeConfig(readConfig(text, "bench.yaml")), url: new URL("file:///bench.yaml") };
}

/** A package with drivers that write into `events` what happens to them, beside the composite. */
export function recordingPackages(events: string[]): DriverPackage[] {
  const define = (type: string, start: DriverDefinition["start"], more: Partial<DriverDefinition> = {}) =>
    defineDriver({ type, client: `${type}Client`, summary: type, start, methods: {}, ...more });
  const device = (path: string) => ({
    path,
    [Symbol.asyncDispose]: () => Promise.resolve(void events.push(`stop ${path}`)),
  });
  const definitions = [
    define("test.Plain", (_config, { path }) => {
      events.push(`start ${path}`);
      return device(path);
    }),
    define("test.Sync", (_config, { path }) => ({ [Symbol.dispose]: () => void events.push(`stop ${path}`) })),
    define("test.Stubborn", (_config, { path }) => ({
      [Symbol.asyncDispose]() {
        events.push(`stop ${path}`);
        return Promise.reject(new Error("the plug is stuck"));
      },
    })),
    define("test.Broken", () => {
      throw new JumpstarterError("io", "no such device", { hint: "plug it in" });
    }),
    define("test.Strict", (_config, { path }) => device(path), {
      config: z.strictObject({ port: z.string(), baud: z.int().default(9600) }),
    }),
  ];
  const drivers = Object.fromEntries(
    definitions.map((definition) => [definition.type, () => Promise.resolve(definition)]),
  );
  return [composite, { drivers, clients: {} }];
}

/** A node with these methods and no place in a tree. */
export function bareNode(
  methods: Readonly<Record<string, Method>>,
  device: unknown = undefined,
): { node: DriverNode; records: LogRecord[] } {
  const records: LogRecord[] = [];
  const definition = defineDriver({
    type: "test.Bare",
    client: "test.BareClient",
    summary: "",
    start: () => null,
    methods,
  });
  const log = new Logger((record) => records.push(record));
  const uuid = "00000000-0000-4000-8000-000000000001";
  return {
    node: {
      uuid,
      path: "rack.bare",
      methodDescriptions: {},
      definition,
      device,
      turns: new CallQueue(),
      log,
      children: new Map(),
    },
    records,
  };
}

/** What drivers start with: a log that nobody reads, and nowhere to write. */
export const context = { log: new Logger(() => {}), workDir: "/nonexistent" };

/** Asserts that a promise rejects with an error of this code, and answers the error. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<JumpstarterError> {
  const error = await promise.then(() => assert.fail(`expected the error ${code}`), (error: unknown) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, code, error.message);
  return error;
}
