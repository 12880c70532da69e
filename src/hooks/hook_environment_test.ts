import assert from "node:assert/strict";
import { hookEnvironment } from "./hook_environment.ts";

const facts = { socketPath: "/run/hook.sock", leaseName: "standalone", clientName: "", binDir: "/run/bin" };

Deno.test("a hook finds its exporter and is not asked anything", () => {
  assert.deepEqual(hookEnvironment({ PATH: "/usr/bin", HOME: "/home/bench" }, facts), {
    PATH: "/run/bin:/usr/bin",
    HOME: "/home/bench",
    JUMPSTARTER_HOST: "/run/hook.sock",
    JMP_DRIVERS_ALLOW: "UNSAFE",
    LEASE_NAME: "standalone",
    CLIENT_NAME: "",
    TERM: "dumb",
    NO_COLOR: "1",
    DEBIAN_FRONTEND: "noninteractive",
    GIT_TERMINAL_PROMPT: "0",
  });
});

Deno.test("the settings of another connection are left out", () => {
  const outer = {
    PS1: "$ ",
    TERM: "xterm",
    JUMPSTARTER_HOST: "bench:19090",
    JMP_MOTD_FILE: "/other/motd",
    JMP_GRPC_PASSPHRASE: "secret",
    JMP_GRPC_INSECURE: "1",
    JMP_GRPC_TLS_CA: "/ca.pem",
    JMP_GRPC_SOMETHING_NEW: "1",
    JUMPSTARTER_GRPC_INSECURE: "1",
  };
  assert.deepEqual(hookEnvironment(outer, facts), hookEnvironment({}, facts));
});

Deno.test("without a PATH there is still one", () => {
  const bases: Record<string, string>[] = [{}, { PATH: "" }];
  for (const base of bases) {
    assert.equal(hookEnvironment(base, facts).PATH, "/run/bin:/usr/local/bin:/usr/bin:/bin");
  }
});

Deno.test("further variables win, except over binDir", () => {
  const env = hookEnvironment({ A: "base" }, {
    ...facts,
    motdFile: "/run/motd",
    extra: { A: "extra", TERM: "vt100", PATH: "/x", JMP_BEFORE_LEASE: "ok" },
  });
  assert.equal(env.JMP_MOTD_FILE, "/run/motd");
  assert.deepEqual([env.A, env.TERM, env.PATH, env.JMP_BEFORE_LEASE], ["extra", "vt100", "/run/bin:/x", "ok"]);
});

Deno.test("the base is not changed", () => {
  const base = Object.freeze({ PATH: "/usr/bin", PS1: "$ " });
  hookEnvironment(base, facts);
  assert.deepEqual(base, { PATH: "/usr/bin", PS1: "$ " });
});
