/** SIGHUP: a running exporter takes a new config over. */
import assert from "node:assert/strict";
import { type ConfigText, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { NotifySocket } from "../fixtures/notify_socket.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

const shellType = "jumpstarter_driver_shell.driver.Shell";
const powerType = "jumpstarter_driver_power.driver.MockPower";
const tools = (said: string) => ({
  type: shellType,
  config: {
    methods: { say: `echo ${said}`, count: "n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo $n; sleep 0.01; done" },
  },
});

/** An exporter whose config can be replaced. */
async function openBench(place: Place, config: ConfigText, env: Record<string, string> = {}) {
  const exporter = await startExporter(place, { config, env });
  await exporter.ready();
  let reloads = 0;
  return {
    exporter,
    /** Writes a config, and waits until the exporter says what has become of it. */
    async reload(next: ConfigText | string): Promise<string> {
      if (typeof next === "string") await place.write("exporter.yaml", next);
      else await writeConfig(place, next);
      const before = exporter.program.stderr.length;
      exporter.program.signal("SIGHUP");
      reloads++;
      await exporter.program.seeErr(new RegExp(`(?:\\b(?:Reloaded|Not reloaded): [^]*){${reloads}}`));
      return exporter.program.stderr.slice(before);
    },
    run: async (...words: string[]) => await runJmp(place, [...exporter.shell, "--", ...words]),
    [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose](),
  };
}

Deno.test("SIGHUP adds, replaces and removes drivers; a call of one that has not changed goes on", async () => {
  await using place = await Place.open();
  await using bench = await openBench(place, {
    export: { steady: tools("steady"), changes: tools("first"), goes: { type: powerType } },
  });
  await using client = startJmp(place, [...bench.exporter.shell, "--", "j", "steady", "count"]);
  await using ended = startJmp(place, [...bench.exporter.shell, "--", "j", "changes", "count"]);
  await client.seeOut("3\n");
  await ended.seeOut("3\n");
  const told = await bench.reload({
    export: { steady: tools("steady"), changes: tools("second"), rack: { children: { new: { type: powerType } } } },
  });
  assert.match(told, /Reloaded: added rack, rack\.new; replaced changes; removed goes\n/);
  const cut = await ended.ended();
  assert.equal(cut.code, 1, cut.stderr);
  assert.match(cut.stderr, /^j: changes\.\w+ was cancelled: the config has changed, and its driver with it$/m);
  assert.equal((await bench.run("j", "changes", "say")).stdout, "second\n");
  assert.equal((await bench.run("j", "rack", "new", "on")).code, 0);
  assert.equal((await bench.run("j", "goes", "on")).code, 2, "there is no such device any more");
  const seen = client.stdout.split("\n").length;
  await client.seeOut(`\n${seen + 20}\n`); // it goes on
  const { code, stderr } = await bench.exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.deepEqual(await place.leftProcesses("jmp"), []);
});

Deno.test("an open shell finds the new devices", async () => {
  await using place = await Place.open();
  await using bench = await openBench(place, { export: { tools: tools("first") } });
  const go = place.path("go");
  const script = `j tools say; until [ -e '${go}' ]; do sleep 0.01; done; j tools say; j power on && echo on`;
  await using client = startJmp(place, [...bench.exporter.shell, "--", "sh", "-c", script]);
  await client.seeOut("first\n");
  await bench.reload({ export: { tools: tools("second"), power: { type: powerType } } });
  await Deno.writeTextFile(go, "");
  const { code, stdout, stderr } = await client.ended();
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "first\nsecond\non\n" }, stderr);
});

Deno.test("a bad file changes nothing, and says why, a line for each mistake", async () => {
  await using place = await Place.open();
  await using bench = await openBench(place, { export: { tools: tools("first") } });
  const bad: readonly (readonly [ConfigText | string, readonly RegExp[]])[] = [
    ["export: [", [/exporter\.yaml:1:/]],
    [{ export: { tools: { type: shellType, config: { method: {} } }, other: { type: "no.such.Driver" } } }, [
      /exporter\.yaml:\d+:\d+: .*"method"/,
      /exporter\.yaml:\d+:\d+: unknown driver type "no\.such\.Driver"/,
    ]],
    [{ name: "another", export: { tools: tools("second") } }, [
      /exporter\.yaml:\d+:\d+: "metadata" cannot change while the exporter runs/,
    ]],
    [{ export: {}, hooks: { scope: "session" } }, [/exporter\.yaml:\d+:\d+: "hooks\.scope" cannot change while/]],
  ];
  for (const [config, reasons] of bad) {
    const told = await bench.reload(config);
    for (const reason of reasons) assert.match(told, reason);
    assert.match(told, /Not reloaded: the config has mistakes, and the one before holds\n/);
    assert.doesNotMatch(told, /Reloaded:/);
    assert.equal((await bench.run("j", "tools", "say")).stdout, "first\n");
  }
  assert.match(await bench.reload({ export: { tools: tools("second") } }), /Reloaded: replaced tools\n/, "and goes on");
  assert.equal((await bench.run("j", "tools", "say")).stdout, "second\n");
});

Deno.test("descriptions, the message of the day and hooks are replaced, and no driver is touched", async () => {
  await using place = await Place.open();
  const power = { type: powerType };
  await using bench = await openBench(place, { export: { power } });
  const hooks = { afterLease: { script: "echo new hook" } };
  const described = { ...power, description: "The new supply" };
  assert.match(
    await bench.reload({ export: { power: described }, motd: "New day.", hooks }),
    /no driver has changed\n/,
  );
  assert.match((await bench.run("j", "--help")).stdout, /The new supply/);
  await using shell = startJmp(place, bench.exporter.shell, { env: { SHELL: "/bin/sh" } });
  await shell.seeErr("New day.\n");
  const { stderr } = await bench.exporter.program.stop();
  assert.match(stderr, /\[afterLease\] new hook\n/);
});

Deno.test("a new driver may need what an old one has: it begins when that has ended", async () => {
  await using place = await Place.open();
  const module = await place.write(
    "port.ts",
    `
    let taken = false;
    const methods = {};
    export const port = {
      type: "port", client: "PortClient", summary: "One at a time", methods,
      start(_config, { path }) {
        if (taken) throw new Error("the port is in use");
        taken = true;
        return { async [Symbol.asyncDispose]() { await new Promise((r) => setTimeout(r, 50)); taken = false; } };
      },
    };
  `,
  );
  const port = { type: `${module}#port`, required: true };
  await using bench = await openBench(place, { export: { left: port } });
  const told = await bench.reload({ export: { right: port } });
  assert.match(told, /Reloaded: added right; removed left\n/);
  assert.doesNotMatch(told, /in use/);
  assert.equal((await bench.run("j", "--help")).code, 0);
});

Deno.test("several signals at once are one reload or two, and systemd is told of each", async () => {
  await using place = await Place.open();
  const hasSystemd = Deno.build.os === "linux";
  using socket = hasSystemd ? new NotifySocket(place.path("notify")) : undefined;
  await using bench = await openBench(place, {}, { NOTIFY_SOCKET: place.path("notify") });
  for (let n = 0; n < 20; n++) bench.exporter.program.signal("SIGHUP");
  await bench.exporter.program.seeErr("Reloaded: no driver has changed\n");
  if (socket !== undefined) {
    const { get } = await socket.see("RELOADING", "1").then((message) => ({
      get: (name: string) => message.get(name),
    }));
    const uptimeUsec = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]) * 1e6;
    assert.ok(
      Math.abs(Number(get("MONOTONIC_USEC")) - uptimeUsec) < 120e6,
      "it is the clock that systemd compares with",
    );
    await until("it is ready again", () => socket.said().filter((line) => line === "READY=1").length >= 2);
  }
  assert.equal((await bench.exporter.program.stop()).code, 0);
});

Deno.test("a signal in the midst of beforeLease reloads, and does not end it", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const hooks = {
    beforeLease: { script: `echo begun; until [ -e '${go}' ]; do sleep 0.01; done`, onFailure: "exit" as const },
  };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.program.seeErr("[beforeLease] begun\n");
  exporter.program.signal("SIGHUP");
  await exporter.program.seeErr("Reloaded: no driver has changed\n");
  await Deno.writeTextFile(go, "");
  await exporter.ready();
  assert.equal((await exporter.program.stop()).code, 0);
});

Deno.test("a config from a pipe, which cannot be read again, is not reloaded, and that is said each time", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, {}), pipe = await place.makePipe("config.pipe");
  const writer = new Deno.Command("sh", { args: ["-c", `cat '${file}' >'${pipe}'`] }).spawn();
  await using exporter = await startExporter(place, { config: pipe });
  await writer.status;
  await exporter.ready();
  const says = `Not reloaded: ${pipe} is no regular file, so it cannot be read again\n`;
  for (const times of [1, 2]) {
    exporter.program.signal("SIGHUP");
    await exporter.program.seeErr(new RegExp(`(?:${RegExp.escape(says)}[^]*){${times}}`));
  }
  assert.equal((await exporter.program.stop()).code, 0);
});

Deno.test("a signal while a reload is under way is told, and reloads once more", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const module = await place.write(
    "slow.ts",
    `
    async function isThere() { return await Deno.stat(${JSON.stringify(go)}).then(() => true, () => false); }
    const device = { async [Symbol.asyncDispose]() { while (!await isThere()) await new Promise((r) => setTimeout(r, 10)); } };
    export const slow = { type: "slow", client: "SlowClient", summary: "Ends when it may", methods: {}, start: () => device };
  `,
  );
  await using exporter = await startExporter(place, { config: { export: { slow: { type: `${module}#slow` } } } });
  await exporter.ready();
  await writeConfig(place, { export: {} });
  exporter.program.signal("SIGHUP");
  await exporter.program.seeErr("Reloading the config (SIGHUP)\n");
  exporter.program.signal("SIGHUP");
  await exporter.program.seeErr("A reload is under way; the config is reloaded once more when it has ended\n");
  await Deno.writeTextFile(go, "");
  await exporter.program.seeErr(/Reloaded: removed slow\n[^]*Reloaded: no driver has changed\n/);
  assert.equal((await exporter.program.stop()).code, 0);
});
