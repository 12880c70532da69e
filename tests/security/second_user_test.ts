/** What belongs to the user who runs an exporter is out of the reach of every other user of the machine. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { Program, runJmp, startJmp } from "../fixtures/program.ts";

/** The user whom nothing belongs to. */
const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

/** Only root can become another user, with a program that not every system has. */
async function canBeNobody(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const [program = "", ...args] = [...nobody, "true"];
  return await new Deno.Command(program, { args }).output().then(({ success }) => success, () => false);
}

const ignore = !await canBeNobody();
const secret = "not-for-nobody";

/** Every file and socket beneath a folder. */
async function filesIn(dir: string): Promise<string[]> {
  const all = await Array.fromAsync(Deno.readDir(dir));
  const nested = all.map(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${dir}/${name}`) : Promise.resolve([`${dir}/${name}`])
  );
  return (await Promise.all(nested)).flat();
}

Deno.test("another user can neither enter, read nor connect to what an exporter keeps", { ignore }, async () => {
  await using place = await Place.open();
  // The test's own folders are open, so that nothing but the exporter's own care is in the way.
  for (const dir of [place.dir, place.path("home"), place.path("tmp")]) await Deno.chmod(dir, 0o755);
  const passphrase = await place.write("passphrase", `${secret}\n`);
  const hooks = { beforeLease: { script: "echo up; j power on" } };
  await using exporter = await startExporter(place, {
    config: { hooks },
    security: [],
    args: ["--passphrase-file", passphrase],
  });
  await exporter.ready();
  const fingerprint = /(sha256:\w+)/.exec(exporter.program.stderr)?.[1] ?? "";
  const connect = ["shell", "--tls-grpc", exporter.address, "--tls-fingerprint", fingerprint];
  await using shell = startJmp(place, [...connect, "--passphrase-file", passphrase, "--", "sh", "-c", "echo up; cat"]);
  await shell.seeOut("up");

  const kept = [
    passphrase,
    ...await filesIn(place.path("home", ".local", "state", "jumpstarter")),
    ...await filesIn(place.path("tmp")),
    `/proc/${exporter.program.pid}/environ`,
    `/proc/${shell.pid}/environ`,
  ];
  const names = kept.map((path) => path.split("/").at(-1));
  for (const name of ["hooks.sock", "agent.sock", "exporter.key"]) assert.ok(names.includes(name), names.join());
  const script = `for path; do
    if cat "$path" >/dev/null 2>&1 || [ -r "$path" ] || [ -w "$path" ]; then echo "reached $path"; fi
  done
  ps axww -o args | grep ${secret} | grep -v grep
  echo done`;
  await using other = new Program(place, [...nobody, "sh", "-c", script, "sh", ...kept]);
  assert.equal((await other.ended()).stdout, "done\n");
  // The same script as the user herself, which shows that it can reach what it is given.
  await using own = new Program(place, ["sh", "-c", script, "sh", ...kept]);
  assert.equal((await own.ended()).stdout.split("\n").length, kept.length + 2);
  await shell.closeInput();
  await shell.ended();
});

Deno.test("a directory of another user's, or one that others can enter, is not used", { ignore }, async (t) => {
  await using place = await Place.open();
  const words = ["run", "--exporter-config", await writeConfig(place), "--tls-grpc-listener", "127.0.0.1:0"];
  const dir = place.path("dir");
  await Deno.mkdir(dir, { mode: 0o700 });
  const run = (...options: string[]) => runJmp(place, [...words, ...options]);
  await t.step("for sockets", async () => {
    await Deno.chmod(dir, 0o711);
    const says = /Other users can enter the directory .*dir/;
    const open = await run("--tls-grpc-insecure", "--runtime-dir", dir);
    assertBriefError(open, { code: 3, says, hint: /chmod 700/ });
    await Deno.chmod(dir, 0o700);
    await Deno.chown(dir, 65_534, 65_534);
    assertBriefError(await run("--tls-grpc-insecure", "--runtime-dir", dir), { code: 3, says, hint: /another one/ });
  });
  await t.step("for certificates", async () => {
    const state = place.path("state");
    await Deno.mkdir(`${state}/tls`, { recursive: true });
    await Deno.chown(`${state}/tls`, 65_534, 65_534);
    assertBriefError(await run("--state-dir", state), {
      code: 3,
      says: /Cannot keep private files in .*belongs to another user/,
      hint: /--state-dir|XDG_STATE_HOME/,
    });
  });
});

Deno.test("what a run that was killed has left is taken over, and what one that runs has is not", async () => {
  await using place = await Place.open();
  const dir = place.path("runtime");
  await Deno.mkdir(dir, { mode: 0o700 });
  const args = ["--runtime-dir", dir];
  const config = { hooks: { beforeLease: { script: "j power on" } } };
  {
    await using killed = await startExporter(place, { config, args });
    await killed.ready();
    const refused = await runJmp(place, [
      ...["run", "--exporter-config", await writeConfig(place, config), "--tls-grpc-listener", "127.0.0.1:0"],
      ...["--tls-grpc-insecure", ...args],
    ]);
    assertBriefError(refused, { code: 10, says: /Another exporter runs in .*runtime/, hint: /--runtime-dir/ });
    assert.equal((await runJmp(place, [...killed.shell, "--", "j", "power", "on"])).code, 0);
    killed.program.signal("SIGKILL");
    await killed.program.ended();
  }
  const left = (await filesIn(dir)).map((path) => path.split("/").at(-1));
  assert.ok(left.includes("hooks.sock"), left.join());
  await using next = await startExporter(place, { config, args });
  await next.ready();
  assert.match(next.program.stderr, /power on/);
  assert.equal((await next.program.stop()).code, 0);
  assert.deepEqual(await filesIn(dir), []);
});
