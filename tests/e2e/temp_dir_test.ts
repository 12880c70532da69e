/** Directories for temporary files in which sockets or programs cannot be: another place is found, or it is said. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { missingSmallDisk, mountSmallDisk, type SmallDisk } from "../fixtures/small_disk.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

const hooks = { beforeLease: { script: "j power on" }, afterLease: { script: "j power off" } };

/** Hooks and a shell do what they do everywhere. */
async function assertWorks(place: Place, env: Record<string, string>): Promise<void> {
  await using exporter = await startExporter(place, { config: { hooks }, env });
  await exporter.ready();
  assert.match(exporter.program.stderr, /\[MockPower\] power on/);
  const far = await runJmp(place, [...exporter.shell, "--", "j", "power", "on"], { env });
  assert.equal(far.code, 0, far.stderr);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[MockPower\] power off/);
  assert.doesNotMatch(stderr, /WARNING|ERROR/);
  const file = await writeConfig(place, { hooks });
  const near = await runJmp(place, ["shell", "--exporter-config", file, "--", "j", "power", "on"], { env });
  assert.equal(near.code, 0, near.stderr);
  assert.deepEqual(await place.leftFiles(), []);
}

Deno.test("a path of TMPDIR that is too long for sockets is no obstacle", async () => {
  await using place = await Place.open();
  const TMPDIR = place.path("tmp".repeat(40));
  await Deno.mkdir(TMPDIR);
  await assertWorks(place, { TMPDIR });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(TMPDIR)), []);
});

Deno.test("what was left elsewhere for the same reason is removed as well", async () => {
  await using place = await Place.open();
  const TMPDIR = place.path("tmp".repeat(40));
  await Deno.mkdir(TMPDIR);
  {
    await using killed = await startExporter(place, { env: { TMPDIR } });
    await killed.ready();
    killed.program.signal("SIGKILL");
    await killed.program.ended();
  }
  assert.equal((await place.leftFiles()).length, 1, "what is to be removed");
  await using next = await startExporter(place, { env: { TMPDIR } });
  await next.program.seeErr(`Removed ${place.path("sockets")}/jumpstarter-`);
});

Deno.test("a --runtime-dir that is too long for sockets is refused, with how long it may be", async () => {
  await using place = await Place.open();
  const dir = place.path("run".repeat(40));
  await Deno.mkdir(dir, { mode: 0o700 });
  const words = ["run", "--exporter-config", await writeConfig(place), "--tls-grpc-listener", "127.0.0.1:0"];
  const ended = await runJmp(place, [...words, "--tls-grpc-insecure", "--runtime-dir", dir]);
  const most = (Deno.build.os === "darwin" ? 103 : 107) - "/agent.sock".length;
  const says = new RegExp(`The path of the directory ${dir} is too long for a socket in it: ${dir.length} bytes`);
  assertBriefError(ended, { code: 2, says, hint: new RegExp(`at most ${most} bytes`) });
});

const missing = await missingSmallDisk();
if (missing !== undefined) console.warn(`not run: places from which no program can be run (${missing})`);

/** A folder of a place from which no program can be run. */
async function mountNoexec(place: Place): Promise<SmallDisk> {
  const dir = place.path("noexec");
  await Deno.mkdir(dir);
  return await mountSmallDisk(dir, "noexec");
}

Deno.test({
  name: "a place from which no program can be run is no obstacle while there is another",
  ignore: missing !== undefined,
  async fn() {
    await using place = await Place.open();
    await using disk = await mountNoexec(place);
    const TMPDIR = disk.dir;
    await assertWorks(place, { TMPDIR });
    const dir = `${TMPDIR}/run`;
    await Deno.mkdir(dir, { mode: 0o700 });
    const args = ["--runtime-dir", dir];
    await using exporter = await startExporter(place, { config: { hooks }, args });
    await exporter.ready();
    assert.match(exporter.program.stderr, /\[MockPower\] power on/);
    assert.equal((await exporter.program.stop()).code, 0);
    assert.deepEqual(await place.leftFiles(), []);
  },
});

Deno.test({
  name: "where no program can be run anywhere, it is said with what to try",
  ignore: missing !== undefined,
  async fn() {
    await using place = await Place.open();
    await using disk = await mountNoexec(place);
    const TMPDIR = disk.dir;
    const env = { TMPDIR, XDG_RUNTIME_DIR: TMPDIR };
    const says = /"j" cannot be run from \S+: .*noexec.*set TMPDIR/;
    await using exporter = await startExporter(place, { config: { hooks }, env });
    await exporter.program.seeErr(says);
    const dir = place.path("noexec", "run");
    await Deno.mkdir(dir, { mode: 0o700 });
    const args = ["--runtime-dir", dir, "--least-privilege"];
    await using bound = await startExporter(place, { config: { hooks }, args }); // it may write nowhere else
    await bound.program.seeErr(says);
    await using shell = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo in"], { env });
    const { code, stderr, stdout } = await shell.ended();
    assert.deepEqual([code, stdout], [0, "in\n"], "what needs no j works");
    assert.match(stderr, says);
  },
});
