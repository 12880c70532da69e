import assert from "node:assert/strict";
import { interactiveShell } from "./interactive_shell.ts";

const start = (shell: string, name = "bench", binDir = "/tmp/x/bin") => interactiveShell(shell, name, "/tmp/x", binDir);

/** Runs a start-up file in a real shell, and answers what PATH and the prompt are then. */
async function sourced(text: string, prompt: string, before = ""): Promise<{ path: string; prompt: string }> {
  const script = `${before}\n${text}\nprintf '%s\\n%s' "$PATH" "${prompt}"`;
  const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };
  const { stdout, success } = await new Deno.Command("/bin/sh", { args: ["-c", script], env, clearEnv: true }).output();
  assert.ok(success);
  const [path = "", shown = ""] = new TextDecoder().decode(stdout).split("\n");
  return { path, prompt: shown };
}

Deno.test("bash keeps the user's own start-up file, then puts j first and names the exporter", async () => {
  const { argv, files, env } = start("/usr/bin/bash");
  assert.deepEqual(argv, ["/usr/bin/bash", "--rcfile", "/tmp/x/bashrc", "-i"]);
  assert.deepEqual(env, {});
  const text = files["/tmp/x/bashrc"] ?? "";
  assert.ok(text.indexOf(". ~/.bashrc") < text.indexOf("export PATH="), "the user's file may set PATH anew");
  const { path, prompt } = await sourced(text, "$PS1", "PS1='mine> '");
  assert.equal(path, "/tmp/x/bin:/usr/bin:/bin");
  assert.equal(prompt, "[bench] mine> ");
});

Deno.test("zsh reads the user's own folder, and fish and others get a prompt by their own ways", async () => {
  const zsh = start("/bin/zsh");
  assert.deepEqual([zsh.argv, zsh.env], [["/bin/zsh", "-i"], { ZDOTDIR: "/tmp/x" }]);
  const zshrc = zsh.files["/tmp/x/.zshrc"] ?? "";
  assert.match(zshrc, /\.zshrc"/);
  assert.equal((await sourced(zshrc, "$PROMPT", "PROMPT='% '")).prompt, "[bench] % ");
  const fish = start("/opt/fish");
  assert.deepEqual([fish.argv[0], fish.argv.at(-1), fish.files], ["/opt/fish", "-i", {}]);
  assert.match(fish.argv.join(" "), /set -gx PATH '\/tmp\/x\/bin' \$PATH/);
  for (const shell of ["/bin/sh", "/bin/dash", "/bin/anything"]) {
    const { argv, env, files } = start(shell);
    assert.deepEqual(argv, [shell, "-i"]);
    assert.equal(env.ENV, "/tmp/x/shrc");
    const { path, prompt } = await sourced(files["/tmp/x/shrc"] ?? "", "$PS1");
    assert.deepEqual([path, prompt], ["/tmp/x/bin:/usr/bin:/bin", "[bench] $ "]);
  }
});

Deno.test("a name or a folder cannot break out of its quotes", async () => {
  const name = `$(touch /tmp/x)'"\`;\\[\n`, binDir = `/tmp/it's "here"`;
  for (const shell of ["/bin/bash", "/bin/zsh", "/bin/sh"]) {
    const [text = ""] = Object.values(start(shell, name, binDir).files);
    const variable = shell.endsWith("zsh") ? "$PROMPT" : "$PS1";
    const { path, prompt } = await sourced(text, variable, "PS1='> '; PROMPT='> '");
    assert.equal(path, `${binDir}:/usr/bin:/bin`);
    assert.match(prompt, /^\[__touch _tmp_x[\w .:@-]*\] /);
  }
  assert.match(start("/bin/bash", "").files["/tmp/x/bashrc"] ?? "", /\[exporter\]/);
});
