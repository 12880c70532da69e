import assert from "node:assert/strict";
import { isInstalled, namesIn, openDirectory, run } from "./bench_test.ts";

const hasPython = await isInstalled("python3");
const hasNode = await isInstalled("node");

/** Runs a file of that name and text, named by the script's only line. */
async function runFile(name: string, text: string, exec?: string | readonly string[]) {
  await using directory = await openDirectory();
  await Deno.writeTextFile(`${directory.path}/${name}`, text);
  const { outcome, lines } = await run({ script: `\n  ${name}\n`, exec }, { cwd: directory.path });
  assert.equal(outcome.kind, "ok", lines.join("\n"));
  return lines;
}

Deno.test("a line that names a file runs it: .sh and unknown extensions by the shell", async () => {
  assert.deepEqual(await runFile("hook.sh", 'echo "by $0"'), ["by ./hook.sh"]);
  assert.deepEqual(await runFile("hook", "echo plain"), ["plain"]);
  assert.deepEqual(await runFile("-odd name.sh", "echo odd"), ["odd"]);
});

Deno.test({ name: "a .py file is run by python3", ignore: !hasPython }, async () => {
  assert.deepEqual(await runFile("hook.py", "import sys; print('python', sys.version_info[0])"), ["python 3"]);
});

Deno.test("TypeScript and JavaScript files are run by this Deno, with its permissions", async () => {
  const text = "console.log(Deno.version.deno, (await Deno.stat('.')).isDirectory)";
  for (const name of ["hook.ts", "hook.js", "hook.mts", "hook.mjs"]) {
    assert.deepEqual(await runFile(name, text), [`${Deno.version.deno} true`]);
  }
});

Deno.test("the words for TypeScript files can be chosen", async () => {
  await using directory = await openDirectory();
  await Deno.writeTextFile(`${directory.path}/hook.ts`, "");
  const deno = ["/bin/echo", "run", "--allow-read"];
  const { lines } = await run({ script: "hook.ts" }, { cwd: directory.path, deno });
  assert.deepEqual(lines, ["run --allow-read ./hook.ts"]);
});

Deno.test("exec wins over the extension, as one word or as several", async () => {
  assert.deepEqual(await runFile("hook.py", "echo by the shell", "/bin/sh"), ["by the shell"]);
  assert.deepEqual(await runFile("hook.ts", "echo words", ["/usr/bin/env", "sh", "-e"]), ["words"]);
  assert.deepEqual(
    await runFile("hook.txt", "console.log((await Deno.stat('.')).isFile)", ["deno", "run", "-A", "--ext=ts"]),
    [
      "false",
    ],
  );
});

Deno.test("a line that names no regular file is run as text", async () => {
  await using directory = await openDirectory();
  await Deno.mkdir(`${directory.path}/true`);
  const { outcome } = await run("true", { cwd: directory.path });
  assert.equal(outcome.kind, "ok");
});

Deno.test("several lines are text, even where the first names a file", async () => {
  await using directory = await openDirectory();
  await Deno.writeTextFile(`${directory.path}/hook.sh`, "echo file");
  const { lines } = await run("echo text\necho more", { cwd: directory.path });
  assert.deepEqual(lines, ["text", "more"]);
});

Deno.test("scriptFile is run whatever script says", async () => {
  await using directory = await openDirectory("hooks test ");
  const scriptFile = `${directory.path}/it's a hook.sh`;
  await Deno.writeTextFile(scriptFile, "echo file");
  assert.deepEqual((await run({ script: "echo text", scriptFile })).lines, ["file"]);
});

Deno.test({ name: "text for python3 goes by -c", ignore: !hasPython }, async () => {
  const script = "import sys\nprint('isolated', sys.flags.isolated)";
  assert.deepEqual((await run({ script, exec: ["python3", "-I"] })).lines, ["isolated 1"]);
});

Deno.test("text for Deno goes by a private file, which is gone afterwards", async () => {
  await using directory = await openDirectory();
  const script = `const path = new URL(import.meta.url).pathname;
    const mode = async (path: string) => ((await Deno.stat(path)).mode! & 0o777).toString(8);
    console.log(await mode(path), await mode(path.slice(0, path.lastIndexOf("/"))));`;
  for (const exec of [Deno.execPath(), [Deno.execPath(), "run", "--allow-read", "--allow-sys"]]) {
    const { lines } = await run({ script, exec }, { workDir: directory.path });
    assert.deepEqual(lines, ["600 700"]);
    assert.deepEqual(await namesIn(directory.path), []);
  }
});

Deno.test("the private file goes after a time-out and after a failure to start, too", async () => {
  await using directory = await openDirectory();
  const stopped = await run(
    { script: "await new Promise((resolve) => setTimeout(resolve, 1e6))", exec: Deno.execPath(), timeoutMs: 200 },
    { workDir: directory.path },
  );
  assert.equal(stopped.outcome.kind, "timedOut");
  const absent = await run({ script: "", exec: "/nowhere/node" }, { workDir: directory.path });
  assert.equal(absent.outcome.kind, "notStarted");
  assert.deepEqual(await namesIn(directory.path), []);
});

Deno.test({ name: "text for Node.js goes by a file", ignore: !hasNode }, async () => {
  const exec = ["/usr/bin/env", "node", "--no-warnings"];
  const script = "console.log(require('node:path').extname(__filename))";
  assert.deepEqual((await run({ script, exec })).lines, [".js"]);
});

Deno.test("a place that cannot be written to is a reason, not an exception", async () => {
  const { outcome } = await run({ script: "", exec: Deno.execPath() }, { workDir: "/nowhere" });
  assert.match(outcome.kind === "notStarted" ? outcome.reason : "", /cannot be written/);
});
