/** What a hook finds around it, however the exporter is served and was started. */
import assert from "node:assert/strict";
import { makeAuthority } from "../fixtures/certificate.ts";
import { type ExporterStart, startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";

/** Notes what a hook can see, and drives the device through the `j` that it finds. */
function hookScript(file: string): string {
  return `
    env > "${file}"
    test -S "$JUMPSTARTER_HOST" && echo "host is a socket"
    stat -c "folder mode %a" "$(dirname "$JUMPSTARTER_HOST")"
    j power on && echo "j works"
    jmp version > /dev/null && echo "jmp works"
  `;
}

/** Serves until both hooks have run, and answers the environment of each. */
async function runHooks(place: Place, start: ExporterStart): Promise<Record<"before" | "after", Map<string, string>>> {
  const files = { before: place.path("before.env"), after: place.path("after.env") };
  const hooks = {
    beforeLease: { script: hookScript(files.before), onFailure: "exit" as const },
    afterLease: { script: hookScript(files.after), onFailure: "exit" as const },
  };
  await using exporter = await startExporter(place, { ...start, config: { hooks } });
  await exporter.ready();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  for (const hook of ["beforeLease", "afterLease"]) {
    const lines = stderr.split("\n").filter((line) => line.includes(`[${hook}] `)).map((line) => line.split("] ")[1]);
    assert.deepEqual(lines, ["host is a socket", "folder mode 700", "j works", "jmp works"], stderr);
  }
  assert.equal(stderr.match(/\[MockPower\] power on/g)?.length, 2, stderr);
  assert.deepEqual(await place.leftFiles(), []);
  assert.deepEqual(await place.leftProcesses(), []);
  return { before: await readEnv(files.before), after: await readEnv(files.after) };
}

async function readEnv(file: string): Promise<Map<string, string>> {
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

Deno.test("a hook gets what the wire contract lists, and its j needs nothing more", async () => {
  await using place = await Place.open();
  const env = { KEPT: "of the exporter", PS1: "$ ", JMP_GRPC_INSECURE: "0", JMP_MOTD_FILE: "/of-another" };
  const { before, after } = await runHooks(place, { env });
  for (const seen of [before, after]) {
    assert.equal(seen.get("LEASE_NAME"), "standalone");
    assert.ok(seen.has("CLIENT_NAME"));
    assert.equal(seen.get("JMP_DRIVERS_ALLOW"), "UNSAFE");
    assert.equal(seen.get("TERM"), "dumb");
    assert.equal(seen.get("NO_COLOR"), "1");
    assert.equal(seen.get("DEBIAN_FRONTEND"), "noninteractive");
    assert.equal(seen.get("GIT_TERMINAL_PROMPT"), "0");
    assert.equal(seen.get("KEPT"), "of the exporter");
    assert.deepEqual(["PS1", "JMP_GRPC_INSECURE"].filter((name) => seen.has(name)), []);
  }
  assert.ok(before.get("JMP_MOTD_FILE")?.startsWith(place.path("tmp")));
  assert.equal(after.has("JMP_MOTD_FILE"), false);
  assert.equal(before.has("JMP_BEFORE_LEASE"), false);
  assert.equal(after.get("JMP_BEFORE_LEASE"), "ok");
});

Deno.test("j works in a hook where clients need a passphrase", async () => {
  await using place = await Place.open();
  const { before } = await runHooks(place, { args: ["--passphrase", "my-secret"] });
  assert.ok(![...before.values()].some((value) => value.includes("my-secret")), "a hook has no use for it");
});

Deno.test("j works in a hook where clients need TLS", async () => {
  await using place = await Place.open();
  const { cert, key } = await (await makeAuthority()).issue();
  const security = ["--tls-cert", await place.write("a.crt", cert), "--tls-key", await place.write("a.key", key)];
  await runHooks(place, { security });
});

Deno.test("j works in a hook when jmp was started by absolute path, with no PATH, from elsewhere", async () => {
  await using place = await Place.open();
  const { before } = await runHooks(place, { env: { PATH: undefined }, cwd: "/" });
  assert.match(before.get("PATH") ?? "", /^\/.*\/bin:\/usr\/local\/bin:\/usr\/bin:\/bin$/);
});

Deno.test("j works in a hook whose exporter stands in a folder with a strange name", async () => {
  await using place = await Place.open();
  const tmp = place.path("tmp", 'it\'s $HOME; a "b"');
  await Deno.mkdir(tmp);
  const hooks = { beforeLease: { script: "j power on && echo works", onFailure: "exit" as const } };
  await using exporter = await startExporter(place, { config: { hooks }, env: { TMPDIR: tmp } });
  await exporter.program.seeErr("[beforeLease] works\n");
});

Deno.test("a hook can be a file, with the interpreter that its extension asks for", async () => {
  await using place = await Place.open();
  const file = await place.write(
    "prepare.ts",
    'const who: string = "TypeScript";\nconsole.log(`hello from ${who}`);\n',
  );
  const hooks = { beforeLease: { script: file, onFailure: "exit" as const } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.program.seeErr("[beforeLease] hello from TypeScript\n");
});

for (
  const [name, text, exec] of [
    ["hook.ts", 'const who: string = "hook.ts";\nconsole.log(`hello from ${who}`);'],
    ["hook.js", 'console.log("hello from hook.js");'],
    ["hook.py", 'print("hello from hook.py")'],
    ["hook.sh", 'echo "hello from hook.sh"'],
    ["hook.txt", 'print("hello from hook.txt")', ["python3", "-u"]],
  ] as const
) {
  Deno.test(`scriptFile names ${name}, beside the config, wherever the exporter runs`, async () => {
    await using place = await Place.open();
    await place.write(name, `${text}\n`);
    const hooks = { beforeLease: { scriptFile: name, exec, onFailure: "exit" as const } };
    await using exporter = await startExporter(place, { config: { hooks }, cwd: "/" });
    await exporter.program.seeErr(`[beforeLease] hello from ${name}\n`);
    await exporter.ready();
  });
}

Deno.test("what beforeLease writes for the day is shown when a shell begins", async () => {
  await using place = await Place.open();
  const script = 'echo "the bench smells of smoke" > "$JMP_MOTD_FILE"';
  const config = { motd: "Be kind to the relays.", hooks: { beforeLease: { script } } };
  await using exporter = await startExporter(place, { config });
  await exporter.ready();
  await using shell = startJmp(place, exporter.shell, { env: { SHELL: "/bin/sh" } });
  await shell.seeErr("Be kind to the relays.\nthe bench smells of smoke\n");
});
