/** A `j` whose work an agent does is like one that does it by itself, in all that a user can see but the time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { kill, Place, repository } from "../fixtures/place.ts";
import { type Ended, jmpWords, Program, runJmp } from "../fixtures/program.ts";
import { type OpenShell, openShell, type Worker } from "../fixtures/shell.ts";

const workers: readonly Worker[] = ["its agent", "itself"];

const entries = {
  power: { type: "jumpstarter_driver_power.driver.MockPower" },
  echo: { type: "jumpstarter_driver_network.driver.EchoNetwork", description: "Sends everything back" },
  flasher: { type: "jumpstarter_driver_opendal.driver.MockFlasher" },
  serial: { type: "jumpstarter_driver_pyserial.driver.PySerial", config: { url: "loop://" } },
  tools: {
    type: "jumpstarter_driver_shell.driver.Shell",
    config: {
      methods: {
        mixed: 'for n in 1 2 3; do echo "out $n"; echo "err $n" >&2; done; exit 3',
        said: 'printf "<%s>" "$@"',
        endless: "echo begun; exec sleep 4714",
      },
    },
  },
};

interface Bench extends AsyncDisposable {
  readonly place: Place;
  readonly shell: OpenShell;
}

/** An exporter with a shell on it. */
async function openBench(): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  const exporter = stack.use(await startExporter(place, { config: { export: entries } }));
  await exporter.ready();
  const shell = stack.use(await openShell(place, exporter.shell));
  const owned = stack.move();
  return { place, shell, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What is asked of both workers; both must answer the same. */
const cases: Readonly<Record<string, { args: readonly string[]; code: number; env?: Record<string, string> }>> = {
  "a call": { args: ["power", "on"], code: 0 },
  "a stream of results": { args: ["power", "read", "-n", "3", "-i", "0"], code: 0 },
  "results as JSON": { args: ["--json", "power", "read", "-n", "2", "-i", "0"], code: 0 },
  "the output of a script as JSON": { args: ["--json", "tools", "said", "a b", "ü"], code: 0 },
  "any method": { args: ["call", "power", "read"], code: 0 },
  "the exit code of a script": { args: ["tools", "mixed"], code: 3 },
  "words with blanks, letters of two bytes, and none": { args: ["tools", "said", "a b", "ü", "", "*"], code: 0 },
  "help": { args: ["--help"], code: 0 },
  "help of a device": { args: ["power", "--help"], code: 0 },
  "help of a command": { args: ["power", "cycle", "--help"], code: 0 },
  "help on a narrow screen": { args: ["power", "cycle", "--help"], code: 0, env: { COLUMNS: "40" } },
  "nothing at all": { args: [], code: 2 },
  "a device and no command": { args: ["power"], code: 2 },
  "a device that is not there": { args: ["pwoer", "on"], code: 2 },
  "a command that is not there": { args: ["power", "onn"], code: 2 },
  "a value of the wrong kind": { args: ["power", "read", "-n", "many"], code: 2 },
  "a value that is too small": { args: ["power", "cycle", "--wait", "-1"], code: 2 },
  "an option that is not there": { args: ["power", "on", "--fast"], code: 2 },
  "a method that is not there": { args: ["call", "power", "explode"], code: 1 },
  "a driver that is not there": { args: ["call", "pwoer", "on"], code: 1 },
  "details of a failure": { args: ["-v", "call", "power", "explode"], code: 1 },
  "an exporter that does not answer": { args: ["power", "on"], code: 4, env: { JUMPSTARTER_HOST: "127.0.0.1:9" } },
};

/** Where exactly an error was made differs, and is not compared. */
const withoutPlaces = ({ stderr, ...ended }: Ended) => ({ ...ended, stderr: stderr.replace(/^ {4}at .*\n/gm, "") });

Deno.test("an agent answers as the j itself does", async (t) => {
  await using bench = await openBench();
  const { shell } = bench;
  for (const [what, { args, code, env = {} }] of Object.entries(cases)) {
    await t.step(what, async () => {
      // For another exporter than its own, the agent leaves the work to the j.
      const worker = env.JUMPSTARTER_HOST === undefined ? "its agent" : "either";
      const [first, second] = [await shell.runJ(worker, args, { env }), await shell.runJ("itself", args, { env })];
      assert.deepEqual(withoutPlaces(first), withoutPlaces(second));
      assert.equal(first.code, code, first.stderr);
    });
  }
});

for (const worker of workers) {
  Deno.test(`when ${worker} does the work`, async (t) => {
    await using bench = await openBench();
    const { place, shell } = bench;
    await t.step("a loop keeps its input", async () => {
      const script = `printf 'off\\non\\nread\\n' | while read -r verb; do echo "$verb:"; j power "$verb"; done`;
      const { code, stdout, stderr } = await shell.runScript(worker, script);
      assert.deepEqual({ code, stdout, stderr }, {
        code: 0,
        stdout: "off:\non:\nread:\n0 V  0 A  0 W\n5 V  2 A  10 W\n",
        stderr: "",
      });
    });

    await t.step("input that is asked for arrives as it is", async () => {
      const script = `head -c 3000000 /dev/urandom >in; j stream echo <in >out; cmp in out && echo same`;
      const { stdout, stderr } = await shell.runScript(worker, script, { cwd: place.dir });
      assert.deepEqual({ stdout, stderr }, { stdout: "same\n", stderr: "" });
    });

    await t.step("signals end the call at the exporter", async (t) => {
      const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGKILL: 137 } as const;
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const) {
        await t.step(signal, async () => {
          await using j = shell.startJ(worker, ["tools", "endless"]);
          await j.seeOut("begun\n");
          await until("the script sleeps", async () => [...(await place.processes()).values()].includes("sleep 4714"));
          const { code, stderr } = await j.stop(signal);
          assert.deepEqual([code, stderr], [codes[signal], signal === "SIGKILL" ? "" : "j: Interrupted\n"]);
          assert.deepEqual(await place.leftProcesses("sleep 4714"), []);
        });
      }
      assert.equal((await shell.runJ(worker, ["power", "on"])).code, 0);
    });

    await t.step("a reader that leaves ends the command", async () => {
      const script = `{ j power read -n 100000 -i 0.01; echo "$?" >code; } | head -n 1; cat code`;
      const { stdout, stderr } = await shell.runScript(worker, script, { cwd: place.dir });
      assert.deepEqual({ stdout, stderr }, { stdout: "0 V  0 A  0 W\n141\n", stderr: "" });
    });

    await t.step({
      name: "a disk that is full ends the command, and is told",
      ignore: Deno.build.os !== "linux", // there is no /dev/full
      async fn() {
        for (const count of [1, 100_000]) {
          const script = `j power read -n ${count} -i 0.01 >/dev/full; echo $?`;
          const { stdout, stderr } = await shell.runScript(worker, script);
          assert.equal(stdout, "1\n", stderr);
          assert.match(stderr, /^j: cannot write to standard output: No space left on device.*\n$/);
        }
      },
    });

    await t.step("an input that cannot be read is told, and not the stream that it breaks", async () => {
      for (const command of ["j stream echo", "j serial pipe -i", "j flasher flash -"]) {
        const { stdout, stderr } = await shell.runScript(worker, `${command} <"$TMPDIR"; echo $?`);
        assert.equal(stdout, "1\n", stderr);
        assert.match(stderr, /^(reading the port.*\n)?j: cannot read standard input: Is a directory.*\n$/, command);
      }
    });

    await t.step("files are those of the user's directory", async () => {
      await Deno.mkdir(place.path("elsewhere"));
      await using j = shell.startJ(worker, ["echo", "forward-unix", "local.sock"], { cwd: place.path("elsewhere") });
      const path = place.path("elsewhere", "local.sock");
      await j.seeOut(`${path}\n`);
      assert.equal((await Deno.lstat(path)).isSocket, true);
      assert.equal((await j.stop("SIGINT")).stderr, "");
      await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    });

    await t.step("ctrl-C ends a j whose output nobody takes", async () => {
      // It cannot even say that it was interrupted.
      const script = `{ echo $$ >pid; exec j stream echo </dev/zero 2>&1; }`;
      const pipe = `sh -c '${script}' | { head -c 1 >/dev/null; echo begun; exec sleep 4716; }`;
      await using stuck = new Program(place, ["sh", "-c", pipe], { env: shell.env(worker), cwd: place.dir });
      await stuck.seeOut("begun\n");
      kill(Number(await Deno.readTextFile(place.path("pid"))), "SIGINT");
      assert.deepEqual(await place.leftProcesses("cli.ts j stream echo"), []);
    });
  });
}

Deno.test("many at once have each their own, and one whose output nobody takes holds up none", async () => {
  await using bench = await openBench();
  const { shell } = bench;
  const script = "j stream echo </dev/zero | { head -c 1 >/dev/null; echo begun; exec sleep 4715; }";
  await using stuck = new Program(bench.place, ["sh", "-c", script], { env: shell.env("its agent") });
  await stuck.seeOut("begun\n");
  const runs = Array.from({ length: 8 }, (_, n) => shell.runJ("its agent", ["tools", "said", String(n)]));
  const results = (await Promise.all(runs)).map(({ code, stdout, stderr }) => ({ code, stdout, stderr }));
  assert.deepEqual(results, results.map((_, n) => ({ code: 0, stdout: `<${n}>`, stderr: "" })));
});

Deno.test("an exporter that goes away is missed, and one that comes back is seen as it then is", async () => {
  await using place = await Place.open();
  const power = { type: "jumpstarter_driver_power.driver.MockPower" };
  const first = await startExporter(place, { config: { export: { power } } });
  const { address } = first;
  await using shell = await openShell(place, first.shell);
  {
    await using _first = first;
    await using j = shell.startJ("its agent", ["power", "read", "-n", "1000", "-i", "0.02"]);
    await j.seeOut("0 V  0 A  0 W\n");
    first.program.signal("SIGKILL");
    const lost = await j.ended();
    assert.equal(lost.code, 7);
    assert.match(lost.stderr, /^j: The connection to the exporter at \S+ was lost\n/);
  }
  const [gone, alone] = [await shell.runJ("its agent", ["power", "on"]), await shell.runJ("itself", ["power", "on"])];
  assert.equal(gone.code, 4);
  assert.deepEqual(gone, alone);
  const config = { export: { lamp: power } };
  await using second = await startExporter(place, {
    config: await writeConfig(place, config, "2.yaml"),
    listener: address,
  });
  await second.ready();
  assert.equal((await shell.runJ("its agent", ["lamp", "on"])).code, 0);
  const { stdout } = await shell.runJ("its agent", ["--help"]);
  assert.match(stdout, /^ {2}lamp /m);
  assert.doesNotMatch(stdout, /^ {2}power /m);
});

Deno.test("a j that is still running when its shell ends is told so", async () => {
  await using bench = await openBench();
  const { shell } = bench;
  await using j = shell.startJ("its agent", ["tools", "endless"]);
  await j.seeOut("begun\n");
  await shell.program.closeInput();
  assert.equal((await shell.program.ended()).code, 0);
  const { code, stderr } = await j.ended();
  assert.deepEqual({ code, stderr }, { code: 7, stderr: "j: The jmp that this j belongs to has ended\n" });
  assert.deepEqual(await bench.place.leftProcesses("sleep 4714"), []);
});

Deno.test("a j whose shell is killed is told so, and the next does its work by itself", async () => {
  await using bench = await openBench();
  const { shell } = bench;
  await using j = shell.startJ("its agent", ["tools", "endless"]);
  await j.seeOut("begun\n");
  shell.program.signal("SIGKILL");
  const { code, stderr } = await j.ended();
  assert.deepEqual(
    { code, stderr },
    { code: 7, stderr: "j: The jmp that this j belongs to has ended before the command had\n" },
  );
  assert.equal((await shell.runJ("either", ["power", "on"])).code, 0);
});

Deno.test("the j of a hook has an agent too, which uses the hooks' own socket", async () => {
  await using place = await Place.open();
  const barred = `DENO_DIR='${place.path("none")}' NPM_CONFIG_REGISTRY=http://127.0.0.1:9`;
  const script = `${barred} j power on && ${barred} j power read; echo "code $?"`;
  const hooks = { beforeLease: { script }, afterLease: { script } };
  await using exporter = await startExporter(place, { config: { hooks }, args: ["--passphrase", "my-secret"] });
  await exporter.ready();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[beforeLease\] 5 V {2}2 A {2}10 W\n.*\[beforeLease\] code 0\n/);
  assert.match(stderr, /\[afterLease\] 5 V {2}2 A {2}10 W\n.*\[afterLease\] code 0\n/);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("what a command leaves behind to fail ends neither its shell nor another command", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  const faulty = [Deno.execPath(), "run", "-A", join(repository, "tests", "fixtures", "faulty_client.ts")];
  const script = "for verb in reject throw on; do j power $verb; echo $verb $?; done";
  await using program = new Program(place, [...faulty, ...exporter.shell, "--", "sh", "-c", script]);
  const { code, stdout, stderr } = await program.ended();
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "reject 0\nthrow 0\non 0\n" }, stderr);
  assert.match(stderr, /An error that nobody handled .*: Error: a dropped promise\n/);
  assert.match(stderr, /An error that nobody handled .*: Error: a throwing timer\n/);
});

Deno.test("a shell that serves its exporter itself has an agent as well", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place);
  await using shell = await openShell(place, ["shell", "--exporter-config", config]);
  assert.deepEqual(await shell.runJ("its agent", ["power", "on"]), { code: 0, signal: null, stdout: "", stderr: "" });
});

Deno.test("an agent of another shell is not asked", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place);
  // Within a shell another one, whose exporter has another device.
  const lamp = { export: { lamp: { type: "jumpstarter_driver_power.driver.MockPower" } } };
  const innerConfig = await writeConfig(place, lamp, "inner.yaml");
  const inner = [...jmpWords, "shell", "--exporter-config", innerConfig, "--", "j", "lamp", "read"];
  const words = ["shell", "--exporter-config", config, "--", "sh", "-c", `exec "$@"`, "sh", ...inner];
  const { code, stdout, stderr } = await runJmp(place, words);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "0 V  0 A  0 W\n5 V  2 A  10 W\n" }, stderr);
});
