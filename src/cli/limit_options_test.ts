import assert from "node:assert/strict";
import { defaultLimits } from "../rpc/mod.ts";
import { addConfigLimits, addServerLimits, configLimits, type LimitOptions, serverLimits } from "./limit_options.ts";
import { createCommand } from "./program.ts";

function parse(...words: string[]): LimitOptions {
  let told = "";
  const command = createCommand("x", { writeErr: (text) => told += text, writeOut: (text) => told += text });
  try {
    return addServerLimits(addConfigLimits(command)).parse(words, { from: "user" }).opts();
  } catch {
    throw new Error(told);
  }
}

Deno.test("each limit has an option, and those that are not given stay the defaults", () => {
  assert.deepEqual(serverLimits(parse()), {});
  const words = [
    ...["--max-connections", "7", "--max-streams", "8", "--max-message-size", "1MiB", "--max-metadata-size", "8192"],
    ...["--handshake-timeout", "500ms", "--idle-timeout", "2m"],
  ];
  assert.deepEqual(serverLimits(parse(...words)), {
    maxConnections: 7,
    maxStreams: 8,
    maxMessageBytes: 1_048_576,
    maxMetadataBytes: 8_192,
    handshakeMs: 500,
    idleMs: 120_000,
  });
  assert.equal(parse("--unused-file-timeout", "3s").unusedFileTimeout, 3_000);
  assert.deepEqual(configLimits(parse("--max-config-size", "64KiB", "--max-aliased-values", "0")), {
    maxBytes: 65_536,
    maxAliasedValues: 0,
  });
});

Deno.test("the defaults that the help tells are those that hold", () => {
  const help = addServerLimits(createCommand("x")).helpInformation().replace(/\s+/g, " ");
  const told = (option: string) => new RegExp(`--${option} <.*?\\(default: (\\w+)\\)`).exec(help)?.[1] ?? "";
  const parsed = serverLimits(parse(
    ...["max-connections", "max-streams", "max-message-size", "max-metadata-size", "handshake-timeout", "idle-timeout"]
      .flatMap((option) => [`--${option}`, told(option)]),
  ));
  assert.deepEqual({ ...parsed, loginPauseMs: defaultLimits.loginPauseMs }, defaultLimits);
});

Deno.test("what is no limit is refused with the range", () => {
  const wrong: [string, string, RegExp][] = [
    ["--max-connections", "0", /from 1 to 65536/],
    ["--max-streams", "1e3", /from 2 to 65536/],
    ["--max-message-size", "2GiB", /from 64KiB to 1024MiB/],
    ["--max-message-size", "", /such as 64KiB/],
    ["--max-metadata-size", "2MiB", /from 4KiB to 1MiB/],
    ["--handshake-timeout", "0", /more than 0/],
    ["--idle-timeout", "1000d", /at most 24d/],
    ["--max-aliased-values", "-1", /from 0 to/],
    ["--max-config-size", "1", /from 1KiB/],
  ];
  for (const [option, value, says] of wrong) assert.throws(() => parse(option, value), says, `${option} ${value}`);
});
