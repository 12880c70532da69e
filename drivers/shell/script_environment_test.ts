import assert from "node:assert/strict";
import { scriptEnvironment } from "./script_environment.ts";

Deno.test("variables by which a shell, an interpreter or a tool runs something else are refused", () => {
  const names = ["SHELLOPTS", "BASHOPTS", "PS4", "ENV", "BASH_LOADABLES_PATH", "PERL5OPT", "PERL5LIB", "NODE_OPTIONS"];
  const more = ["RUBYOPT", "PYTHONSTARTUP", "PYTHONHOME", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "MAKEFLAGS", "EDITOR"];
  for (const name of [...names, ...more]) {
    assert.throws(() => scriptEnvironment({}, { [name]: "x" }), {
      code: "invalid_argument",
      message: `the environment variable "${name}" is not for clients to set`,
    });
  }
});

Deno.test("the exporter's own variables stay as they are, and others are a client's to set", () => {
  const own = { PATH: "/bin", EDITOR: "vi" };
  const added = { SPEED: "half", GIT_BRANCH: "main", PYTHONUNBUFFERED: "1" };
  assert.deepEqual(scriptEnvironment(own, added), { ...own, ...added });
});
