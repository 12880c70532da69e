/** The settings of a real terminal, read from the system before, while and after `jmp shell` runs a command on it. */
import assert from "node:assert/strict";
import { exampleShell, type RunningExporter, startExporter } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { kill, Place } from "../fixtures/place.ts";
import type { Program } from "../fixtures/program.ts";
import { jmpLine, missingTerminal, startOnTerminal, testUnless } from "../fixtures/typed_terminal.ts";

const isLinux = Deno.build.os === "linux";
const terminalTest = testUnless(isLinux ? await missingTerminal() : "only Linux shows the terminals of processes");

/** The process that runs `j`, which is there: it has written something. */
async function pidOfJ(place: Place): Promise<number> {
  const processes = [...await place.processes()];
  const [pid] = processes.find(([, command]) => / \S+cli\.ts j /.test(command)) ?? assert.fail(processes.join("\n"));
  return pid;
}

/** The settings of the terminal that a process reads, as `stty` writes them. */
async function settingsOf(pid: number): Promise<string> {
  const terminal = await Deno.readLink(`/proc/${pid}/fd/0`);
  const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", terminal] }).output();
  return new TextDecoder().decode(stdout);
}

/** Sees that `stty -g` has written the same twice. */
function assertUnchanged(stdout: string): void {
  const [before, after] = stdout.match(/^[0-9a-f]+(:[0-9a-f]+){20,}/gm) ?? [];
  assert.ok(before !== undefined, stdout);
  assert.equal(after, before);
}

interface Scene {
  readonly exporter: RunningExporter;
  readonly terminal: Program;
  readonly pid: number;
}

/** What ends the console, and the exit code of `jmp shell` that comes of it. */
const ends: readonly { what: string; code: number; end(scene: Scene): Promise<void> | void }[] = [
  { what: "ctrl-B three times", code: 0, end: ({ terminal }) => terminal.type("\x02\x02\x02") },
  { what: "the exporter's end", code: 7, end: ({ exporter }) => exporter.program.signal("SIGKILL") },
  { what: "SIGTERM to j", code: 143, end: ({ pid }) => kill(pid, "SIGTERM") },
  { what: "SIGKILL to j", code: 137, end: ({ pid }) => kill(pid, "SIGKILL") },
];

for (const { what, code, end } of ends) {
  for (const [worker, words] of [["by its agent", []], ["by itself", ["env", "-u", "JMP_AGENT"]]] as const) {
    terminalTest(`${what} leaves the terminal of a console, run ${worker}, as it was`, async () => {
      await using place = await Place.open();
      const port = { type: "jumpstarter_driver_pyserial.driver.PySerial", config: { url: "loop://" } };
      await using exporter = await startExporter(place, { config: { export: { port } } });
      await exporter.ready();
      const line = jmpLine([...exporter.shell, "--", ...words, "j", "port", "start-console"]);
      await using terminal = startOnTerminal(place, `stty -g; ${line}; echo "code=$?"; stty -g`);
      await terminal.seeOut("press ctrl-B three times to leave");
      const pid = await pidOfJ(place);
      await until("keys come one by one", async () => / -icanon /.test(await settingsOf(pid)));
      await end({ exporter, terminal, pid });
      const { stdout } = await terminal.ended();
      assert.match(stdout, new RegExp(`code=${code}\\r?\\n`));
      assertUnchanged(stdout);
    });
  }
}

terminalTest("a jmp shell in the background leaves the terminal to others, and is not stopped for it", async () => {
  await using place = await Place.open();
  const fifo = place.path("fifo");
  const line = jmpLine(exampleShell(`echo in; read -r _ <'${fifo}'`));
  const script = `set -m; mkfifo '${fifo}'; ${line} & read -r _; stty -echo; stty -g; echo >'${fifo}'; ` +
    `wait $!; echo "code=$?"; stty -g`;
  await using terminal = startOnTerminal(place, script);
  await terminal.seeOut("in\r\n");
  await terminal.type("\n");
  const { stdout } = await terminal.ended();
  assert.match(stdout, /code=0\r?\n/);
  assertUnchanged(stdout);
});
