import assert from "node:assert/strict";
import { openDirectory, run } from "./bench_test.ts";
import { formatBatchShim, formatShellShim, placeShims } from "./command_shims.ts";
import { hookEnvironment } from "./hook_environment.ts";

/** A launcher that prints each of its arguments in brackets. */
const launcherText = '#!/bin/sh\nfor word in "$@"; do printf "[%s]" "$word"; done; echo\n';
const oddNames = ["plain", "with space", "it's", 'double"quote', "$HOME `id` \\ ;&|*", "new\nline", "grün", "''"];

Deno.test("j and jmp start the launcher with the arguments as they are, however odd its path", async () => {
  for (const name of oddNames) {
    await using directory = await openDirectory();
    await Deno.mkdir(`${directory.path}/${name}`);
    const launcher = `${directory.path}/${name}/${name}`;
    await Deno.writeTextFile(launcher, launcherText, { mode: 0o700 });
    await using _shims = await placeShims(directory.path, [launcher, "run", name], assert.fail);
    const script = `'j' power on 'a b' "" '*'; jmp --version`;
    const env = { PATH: `${directory.path}:/usr/bin:/bin` };
    const { outcome, lines } = await run(script, { env });
    assert.equal(outcome.kind, "ok");
    const expected = `[run][${name}][j][power][on][a b][][*]\n[run][${name}][--version]`;
    assert.equal(lines.join("\n"), expected);
  }
});

Deno.test("only their owner may run them, also where they existed before", async () => {
  await using directory = await openDirectory();
  await Deno.writeTextFile(`${directory.path}/j`, "old", { mode: 0o666 });
  await using _shims = await placeShims(directory.path, ["/bin/echo"], assert.fail);
  for (const name of ["j", "jmp"]) {
    assert.equal(((await Deno.stat(`${directory.path}/${name}`)).mode ?? 0) & 0o777, 0o700);
  }
});

Deno.test("a hook finds them first, in the environment made for it", async () => {
  await using directory = await openDirectory();
  await using _shims = await placeShims(directory.path, ["/bin/echo", "launched"], assert.fail);
  const env = hookEnvironment({}, {
    socketPath: "/run/hook.sock",
    leaseName: "standalone",
    clientName: "",
    binDir: directory.path,
  });
  const { lines } = await run("j power on; echo $JUMPSTARTER_HOST", { env });
  assert.deepEqual(lines, ["launched j power on", "/run/hook.sock"]);
});

Deno.test("a shim passes the exit code on", async () => {
  await using directory = await openDirectory();
  await using _shims = await placeShims(directory.path, ["/bin/sh", "-c", "exit 7"], assert.fail);
  const { outcome } = await run("jmp", { env: { PATH: directory.path } });
  assert.deepEqual(outcome, { kind: "failed", exitCode: 7, lines: [] });
});

Deno.test("the two forms are quoted for their own shells", () => {
  assert.equal(formatShellShim(["/a b/it's", "j"]), `#!/bin/sh\nexec '/a b/it'\\''s' 'j' "$@"\n`);
  assert.equal(formatBatchShim(["C:\\a b\\100%.exe", "j"]), '@echo off\r\n"C:\\a b\\100%%.exe" "j" %*\r\n');
});
