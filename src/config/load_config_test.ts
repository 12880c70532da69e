import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { JumpstarterError } from "../errors.ts";
import { findConfig, readConfigFile } from "./load_config.ts";
import { wholeConfig } from "./parse_config.ts";

const TEXT = "metadata: {name: bench}\nexport: {power: {type: a.B}}\n";

/** Runs `body` with a directory of its own. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const loadConfig = async (path: string) => wholeConfig(await readConfigFile(path));

async function messageOf(path: string): Promise<string> {
  try {
    await loadConfig(path);
  } catch (error) {
    assert.ok(error instanceof JumpstarterError && error.code === "config", String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: "the file was accepted" });
}

Deno.test("a file is read, and its URL kept", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/bench #1.yaml`;
    await Deno.writeTextFile(path, `\ufeff${TEXT}`);
    const { config, url, source, locate } = await loadConfig(path);
    assert.equal(config.metadata.name, "bench");
    assert.equal(source, path);
    assert.equal(url.href, pathToFileURL(path).href);
    assert.deepEqual(locate(["export", "power", "type"]), { line: 2, column: 24 });
  }));

Deno.test("a file that cannot be read is one line with a hint", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/bench.yaml`;
    assert.equal(await messageOf(path), `${path}: no such file (is the path right?)`);
    assert.equal(await messageOf(directory), `${directory}: this is a directory (name the .yaml file in it)`);
    await Deno.writeFile(path, new Uint8Array([0x61, 0x3a, 0x20, 0xff, 0xfe]));
    assert.equal(await messageOf(path), `${path}: not UTF-8 (save it in that encoding)`);
    await Deno.writeTextFile(path, TEXT + "#".repeat(1024 * 1024));
    assert.equal(await messageOf(path), `${path}: larger than 1 MiB, which no config is`);
    await Deno.writeTextFile(path, "metadata: {name: bench}\nhook: {}\n");
    assert.equal(await messageOf(path), `${path}:2:1: unknown key "hook" (did you mean "hooks"?)`);
  }));

Deno.test("a hook's file is looked for beside the config", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/bench.yaml`;
    const hooks = "hooks: {beforeLease: {scriptFile: on.sh}, afterLease: {scriptFile: /nowhere/off.sh}}\n";
    await Deno.writeTextFile(path, `${TEXT}${hooks}`);
    assert.equal(
      await messageOf(path),
      `${path}:3:35: there is no file "${directory}/on.sh"\n${path}:3:68: there is no file "/nowhere/off.sh"`,
    );
    await Deno.writeTextFile(`${directory}/on.sh`, "");
    await Deno.writeTextFile(path, `${TEXT}${hooks.replace("/nowhere/off.sh", "on.sh")}`);
    assert.equal((await loadConfig(path)).config.hooks.beforeLease?.scriptFile, "on.sh");
  }));

Deno.test("an alias is looked up for the user, then for the system", () =>
  withDirectory(async (home) => {
    const place = async (folder: string) => {
      await Deno.mkdir(`${folder}/exporters`, { recursive: true });
      await Deno.writeTextFile(`${folder}/exporters/bench.yaml`, TEXT);
      return `${folder}/exporters/bench.yaml`;
    };
    const usual = await place(`${home}/.config/jumpstarter`);
    const xdg = await place(`${home}/xdg/jumpstarter`);
    const own = await place(`${home}/own`);
    assert.equal(await findConfig("bench", { HOME: home }), usual);
    assert.equal(await findConfig("bench", { HOME: home, XDG_CONFIG_HOME: "" }), usual);
    assert.equal(await findConfig("bench", { HOME: home, XDG_CONFIG_HOME: "relative" }), usual);
    assert.equal(await findConfig("bench", { HOME: home, XDG_CONFIG_HOME: `${home}/xdg` }), xdg);
    const all = { HOME: home, XDG_CONFIG_HOME: `${home}/xdg`, JMP_CLIENT_CONFIG_HOME: `${home}/own` };
    assert.equal(await findConfig("bench", all), own);
  }));

Deno.test("an alias without a config names the places that were looked at", () =>
  withDirectory(async (home) => {
    await assert.rejects(findConfig("no-such-bench", { HOME: home }), {
      code: "config",
      message: 'there is no exporter config "no-such-bench"',
      hint: `looked at ${home}/.config/jumpstarter/exporters/no-such-bench.yaml and ` +
        "/etc/jumpstarter/exporters/no-such-bench.yaml",
    });
    await assert.rejects(findConfig("no-such-bench", {}), {
      hint: "looked at /etc/jumpstarter/exporters/no-such-bench.yaml",
    });
    for (const alias of ["", ".", "..", "a/b", "..\\b"]) {
      await assert.rejects(findConfig(alias, { HOME: home }), {
        code: "config",
        message: `"${alias}" cannot be the alias of a config`,
      });
    }
  }));

/** What an expression of this room's door comes to in a Deno of its own, under the flags given; or the error's message. */
async function inChild(directory: string, expression: string, flags: readonly string[]): Promise<string> {
  const program = `${directory}/probe.ts`;
  await Deno.writeTextFile(
    program,
    `import * as door from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
    console.log(await ${expression}.catch((error) => error.message));`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "--no-prompt", "--quiet", "--no-lock", "--config", config, ...flags, program];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
  return (new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)).trimEnd();
}

const loading = (path: string) =>
  `door.readConfigFile(${JSON.stringify(path)}).then(door.wholeConfig).then(({ config }) => config.metadata.name)`;

Deno.test("reading the file is the one permission that loading takes", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/bench.yaml`;
    await Deno.writeTextFile(path, TEXT);
    assert.equal(await inChild(directory, loading(path), [`--allow-read=${path}`]), "bench");
    const refused = `${path}: Deno may not read this file (allow it with --allow-read)`;
    assert.equal(await inChild(directory, loading(path), []), refused);
    assert.equal(await inChild(directory, loading(path), [`--allow-read=${directory}/probe.ts`]), refused);
  }));

Deno.test("a hook's file has to be read to say that it is not there, and for nothing else", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/bench.yaml`, script = `${directory}/on.sh`;
    await Deno.writeTextFile(path, `${TEXT}hooks: {beforeLease: {scriptFile: on.sh}}\n`);
    assert.equal(await inChild(directory, loading(path), [`--allow-read=${path}`]), "bench");
    const both = [`--allow-read=${path},${script}`];
    assert.equal(await inChild(directory, loading(path), both), `${path}:3:35: there is no file "${script}"`);
    await Deno.writeTextFile(script, "");
    assert.equal(await inChild(directory, loading(path), both), "bench");
  }));

Deno.test("an alias is found with read of its two places; one that may not be looked at counts as there", () =>
  withDirectory(async (home) => {
    const own = `${home}/.config/jumpstarter/exporters/no-such-bench.yaml`;
    const system = "/etc/jumpstarter/exporters/no-such-bench.yaml";
    const finding = `door.findConfig("no-such-bench", { HOME: ${JSON.stringify(home)} })`;
    const nowhere = 'there is no exporter config "no-such-bench"';
    assert.equal(await inChild(home, finding, [`--allow-read=${own},${system}`]), nowhere);
    assert.equal(await inChild(home, finding, [`--allow-read=${own}`]), system);
    assert.equal(await inChild(home, finding, [`--allow-read=${system}`]), own);
    assert.equal(
      await inChild(home, `${finding}.then(door.readConfigFile)`, []),
      `${own}: Deno may not read this file (allow it with --allow-read)`,
    );
  }));
