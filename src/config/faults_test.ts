/** What the tests of configs share. */
import assert from "node:assert/strict";
import { ConfigError } from "../errors.ts";
import { type ParsedConfig, readConfig, wholeConfig } from "./parse_config.ts";

/** The head of every config; an `export` section follows on line 4. */
export const HEAD = "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\nmetadata: {name: bench}\n";

/** The config that a text is. */
export function parseConfig(text: string, source: string): ParsedConfig {
  return wholeConfig(readConfig(text, source));
}

/** The error that a text is refused with. */
export function errorOf(text: string): ConfigError {
  try {
    parseConfig(text, "bench.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "the config was accepted" });
}

/** What is wrong with a text: one line for each problem, as a user sees it. */
export function faults(text: string): string[] {
  return errorOf(text).message.split("\n").map((line) => line.replace("bench.yaml:", ""));
}

/** What is wrong with an `export` section; its first line is line 5 of the file. */
export function exportFaults(section: string): string[] {
  return faults(`${HEAD}export:\n${section}\n`);
}
