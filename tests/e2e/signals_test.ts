/** What each command makes of signals, as a table: the exit code as a shell sees it, and that nothing is left. */
import assert from "node:assert/strict";
import {
  type ConfigText,
  exampleConfig,
  type RunningExporter,
  startExporter,
  writeConfig,
} from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { freePort } from "../fixtures/network.ts";
import { kill, Place } from "../fixtures/place.ts";
import { type Program, startJmp } from "../fixtures/program.ts";

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

interface Row {
  readonly what: string;
  /**
   * Makes ready what its programs need until the end of the row, which `stack` has. Answers how a program comes to be in
   * the midst of it.
   */
  open(place: Place, stack: AsyncDisposableStack): Promise<() => Promise<Program>>;
  /** Each signal and the exit code that it leads to. */
  readonly ends: Partial<Record<Signal, number>>;
}

/** What a signal means to a program that leaves it to the system, or passes it on to a command that does. */
const bySignal = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 };

/** Starts a program and waits until it is in the midst of something. */
async function busy(program: Program, isBusy: (program: Program) => Promise<unknown>): Promise<Program> {
  await isBusy(program);
  return program;
}

/** A row of programs with an exporter that is ready. */
function withExporter(start: (place: Place, exporter: RunningExporter) => Promise<Program>): Row["open"] {
  return async (place, stack) => {
    const exporter = stack.use(await startExporter(place));
    await exporter.ready();
    return () => start(place, exporter);
  };
}

/** A row of programs that need nothing but a config. */
function alone(start: (place: Place, config: string) => Promise<Program>, hooks?: ConfigText["hooks"]): Row["open"] {
  return async (place) => {
    const config = await writeConfig(place, { hooks });
    return () => start(place, config);
  };
}

const endless = { script: "echo begun; sleep 4718", timeout: 3600 };
const insecure = "--tls-grpc-insecure";
const isLinux = Deno.build.os === "linux";

const run = (place: Place, config: string) =>
  startJmp(place, ["run", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:0", insecure]);

const rows: readonly Row[] = [
  {
    what: "jmp run that is ready",
    open: alone((place, config) => busy(run(place, config), (program) => program.seeErr("Ready: "))),
    ends: { SIGTERM: 0, SIGINT: 0 },
  },
  {
    what: "jmp run in the midst of beforeLease",
    open: alone(
      (place, config) => busy(run(place, config), (program) => program.seeErr("[beforeLease] begun")),
      { beforeLease: endless },
    ),
    ends: { SIGTERM: 0, SIGINT: 0 },
  },
  {
    what: "jmp shell with a command",
    open: withExporter((place, exporter) => {
      const program = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo in; sleep 4718 | sleep 4718"]);
      return busy(program, () => program.seeOut("in\n"));
    }),
    ends: bySignal,
  },
  {
    what: "jmp shell that waits for an exporter",
    open: alone((place) => {
      const words = ["shell", "--tls-grpc", `127.0.0.1:${freePort()}`, insecure, "--wait", "--", "true"];
      return busy(startJmp(place, words), (program) => program.seeErr("Waiting for an exporter"));
    }),
    ends: bySignal,
  },
  {
    what: "jmp shell that waits for a hook",
    async open(place, stack) {
      // This exporter is killed in the end, and so has no say about what its hook has started.
      const hooks = { beforeLease: { script: "echo begun; mkfifo fifo; read -r line <fifo", timeout: 3600 } };
      const args = ["--hook-kill-grace", "0"];
      const exporter = stack.use(await startExporter(place, { config: { hooks }, cwd: place.dir, args }));
      await exporter.program.seeErr("[beforeLease] begun");
      const words = [...exporter.shell, "--", "true"];
      return () => busy(startJmp(place, words), (program) => program.seeErr("Waiting for the exporter: "));
    },
    ends: bySignal,
  },
  {
    what: "jmp shell that serves its own config, with a command",
    open: alone((place, config) => {
      const words = ["shell", "--exporter-config", config, "--", "sh", "-c", "echo in; sleep 4718 | sleep 4718"];
      return busy(startJmp(place, words), (program) => program.seeOut("in\n"));
    }),
    ends: bySignal,
  },
  {
    what: "jmp shell that serves its own config, in the midst of beforeLease",
    open: alone((place, config) => {
      const words = ["shell", "--exporter-config", config, "--", "true"];
      return busy(startJmp(place, words), (program) => program.seeErr("[beforeLease] begun"));
    }, { beforeLease: endless }),
    ends: bySignal,
  },
  {
    what: "j with a stream of results",
    open: withExporter((place, { env }) => {
      const program = startJmp(place, ["j", "power", "read", "-n", "100000", "-i", "0.01"], { env });
      return busy(program, () => program.seeOut("10 W\n"));
    }),
    ends: bySignal,
  },
  {
    what: "j in a shell, by its agent",
    open: withExporter((place, { shell }) => {
      const program = startJmp(place, [...shell, "--", "j", "power", "read", "-n", "100000", "-i", "0.01"]);
      return busy(program, () => program.seeOut("10 W\n"));
    }),
    ends: bySignal,
  },
  {
    what: "jmp inspect of a server that says nothing",
    open(place, stack) {
      const silent = stack.adopt(Deno.listen({ hostname: "127.0.0.1", port: 0 }), (listener) => listener.close());
      const words = ["inspect", "--tls-grpc", `127.0.0.1:${silent.addr.port}`, insecure];
      return Promise.resolve(() =>
        busy(startJmp(place, words), async () => void stack.adopt(await silent.accept(), (one) => one.close()))
      );
    },
    ends: bySignal,
  },
  {
    what: "jmp status that watches",
    open: withExporter((place, { address }) => {
      const words = ["status", "--tls-grpc", address, insecure, "--watch", "--json"];
      return busy(startJmp(place, words), (program) => program.seeOut("LEASE_READY"));
    }),
    ends: bySignal,
  },
];

for (const { what, open, ends } of rows) {
  Deno.test(what, async (t) => {
    await using place = await Place.open();
    {
      await using stack = new AsyncDisposableStack();
      const start = await open(place, stack);
      for (const [signal, wanted] of Object.entries(ends)) {
        await t.step(`${signal}: ${wanted}`, async () => {
          await using program = await start();
          const { code, stderr } = await program.stop(signal as Signal);
          assert.equal(code, wanted, stderr);
          assert.deepEqual(await place.leftProcesses("sleep 4718"), []);
        });
      }
    }
    assert.deepEqual(await place.leftProcesses("sleep"), []);
  });
}

Deno.test("a command that does not heed the signal is killed after its time, with all that it has started", async () => {
  await using place = await Place.open();
  const script = 'trap "" TERM HUP; echo in; while :; do sleep 4719; done';
  const file = await writeConfig(place, { hooks: { afterLease: { script: "echo tidied" } } });
  const words = ["shell", "--exporter-config", file, "--command-kill-grace", "0.3", "--", "sh", "-c", script];
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    await using program = startJmp(place, words);
    await program.seeOut("in\n");
    const { code, stderr } = await program.stop(signal);
    assert.equal(code, 137, stderr);
    assert.match(stderr, /\[afterLease\] tidied/);
    assert.deepEqual(await place.leftProcesses(), []);
  }
});

Deno.test("what a command has left in its group does not outlive a signal", async () => {
  await using place = await Place.open();
  const script = `sh -c 'trap "" TERM; echo deaf; while :; do sleep 4720; done' & echo in; wait`;
  const words = ["shell", "--exporter-config", exampleConfig, "--command-kill-grace", "0.3", "--", "sh", "-c", script];
  await using program = startJmp(place, words);
  await program.seeOut("deaf\n");
  const { code, stderr } = await program.stop();
  assert.equal(code, 143, stderr);
  assert.deepEqual(await place.leftProcesses(), []);
});

/** Waits until what was begun has its guard, which starts a little later. */
async function guarded(place: Place): Promise<void> {
  const isGuard = (command: string) => command.includes("read -r _");
  await until("it is guarded", async () => [...(await place.processes()).values()].some(isGuard));
}

Deno.test({
  name: "kill -9 in the midst of a hook: the hook ends, with all that it has started",
  ignore: !isLinux, // nothing else shows whose a process is
  async fn() {
    await using place = await Place.open();
    const script = 'trap "" TERM; echo begun; while :; do sleep 4720; done';
    const file = await writeConfig(place, { hooks: { beforeLease: { script, timeout: 3600 } } });
    const config = ["--exporter-config", file, "--hook-kill-grace", "0.3"];
    for (
      const words of [
        ["run", ...config, "--tls-grpc-listener", "127.0.0.1:0", insecure],
        ["run", ...config, "--tls-grpc-listener", "127.0.0.1:0", insecure, "--least-privilege"],
        ["shell", ...config, "--", "true"],
      ]
    ) {
      await using program = startJmp(place, words);
      await program.seeErr("[beforeLease] begun");
      await guarded(place);
      for (const [pid, command] of await place.processes()) {
        if (command.includes("--hook-kill-grace")) kill(pid, "SIGKILL");
      }
      assert.deepEqual(await place.leftProcesses(), [], words.join(" "));
    }
  },
});

Deno.test({
  name: "kill -9 of an exporter: the scripts of its Shell end, with all that they have started",
  ignore: !isLinux, // nothing else shows whose a process is
  async fn() {
    await using place = await Place.open();
    const methods = { hang: "sleep 4721 & echo begun; sleep 4722" };
    const tools = { type: "jumpstarter_driver_shell.driver.Shell", config: { methods } };
    for (const more of [[], ["--least-privilege"]]) {
      await using exporter = await startExporter(place, { config: { export: { tools } }, args: more });
      await exporter.ready();
      await using hanging = startJmp(place, ["j", "tools", "hang"], { env: exporter.env });
      await hanging.seeOut("begun\n");
      await guarded(place);
      for (const [pid, command] of await place.processes()) {
        if (command.includes("--tls-grpc-listener")) kill(pid, "SIGKILL");
      }
      assert.deepEqual(await place.leftProcesses("sleep 472"), [], more.join(" "));
    }
  },
});

Deno.test({
  name:
    "kill -9 of jmp shell: its command ends, with all that it has started, but one that has ended may leave a daemon",
  ignore: !isLinux, // nothing else shows whose a process is
  async fn() {
    await using place = await Place.open();
    const grace = ["--command-kill-grace", "0.3"];
    const words = (script: string) => ["shell", "--exporter-config", exampleConfig, ...grace, "--", "sh", "-c", script];
    {
      await using program = startJmp(place, words("sleep 4724 & echo begun; sleep 4725"));
      await program.seeOut("begun\n");
      await guarded(place);
      program.signal("SIGKILL");
      assert.deepEqual(await place.leftProcesses(), []);
    }
    await using daemon = startJmp(place, words("sleep 4726 >/dev/null 2>&1 & true"));
    assert.equal((await daemon.ended()).code, 0);
    assert.deepEqual([...(await place.processes()).values()], ["sleep 4726"]);
  },
});
