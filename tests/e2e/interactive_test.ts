/** `jmp shell` without a command, on a terminal as a user has it: util-linux's `script` makes one. */
import assert from "node:assert/strict";
import { exampleShell, type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import type { Program } from "../fixtures/program.ts";
import { missingTerminal, startJmpOnTerminal, testUnless } from "../fixtures/typed_terminal.ts";

const terminalTest = testUnless(await missingTerminal());

/** Starts `jmp shell` on a terminal of its own. */
function startShell(place: Place, exporter: RunningExporter, shell: string): Program {
  return startJmpOnTerminal(place, exporter.shell, { env: { SHELL: shell, TERM: "dumb" } });
}

for (const shell of ["/bin/bash", "/bin/sh"]) {
  terminalTest(`${shell} is a shell in which j drives the exporter`, async () => {
    await using place = await Place.open();
    // A user's own start-up file, with a PATH that knows no j.
    await Deno.writeTextFile(place.path("home", ".bashrc"), "PATH=/usr/local/bin:/usr/bin:/bin\nPS1='own> '\n");
    await using exporter = await startExporter(place, { config: { name: "lab/bench 1", motd: "Be kind." } });
    await exporter.ready();
    await using program = startShell(place, exporter, shell);
    const prompt = shell === "/bin/bash" ? "[lab_bench 1] own> " : "[lab_bench 1] $ ";
    await program.seeOut(`Be kind.\r\n`);
    await program.seeOut(prompt);
    await program.type("j power on\n");
    await exporter.program.seeErr("[MockPower] power on\n");
    await program.type("j power read; echo code=$?\n");
    await program.seeOut("5 V  2 A  10 W\r\ncode=0\r\n");
    await program.type("exit 7\n");
    const { code, stdout } = await program.ended();
    assert.equal(code, 7, stdout);
    assert.deepEqual((await place.leftFiles()).filter((name) => name.includes("shell")), []);
    assert.deepEqual(await place.leftProcesses("script"), []);
  });
}

terminalTest("ctrl-C is for the command that runs in the shell, not for the shell", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using program = startShell(place, exporter, "/bin/bash");
  await program.seeOut("[bench] ");
  await program.type("j power read -n 1000 -i 0.01; echo code=$?\n");
  await program.seeOut("5 V  2 A  10 W");
  await program.type("\x03");
  await program.seeOut(/code=130\r\n/);
  await program.type("echo still $((40 + 2)); exit\n");
  await program.seeOut("still 42\r\n");
  assert.equal((await program.ended()).code, 0);
});

terminalTest("ctrl-C reaches a command once, and SIGINT to jmp shell alone does not", async () => {
  await using place = await Place.open();
  const script = `trap 'n=$((n+1)); echo "INT $n"' INT; echo in; until read -r _; do :; done; echo "$n in all"`;
  await using terminal = startJmpOnTerminal(place, exampleShell(script));
  await terminal.seeOut("in\r\n");
  const processes = [...await place.processes()];
  const [pid] = processes.find(([, command]) => command.startsWith(Deno.execPath())) ?? assert.fail(String(processes));
  Deno.kill(pid, "SIGINT");
  await terminal.type("\x03");
  await terminal.seeOut("INT 1\r\n");
  await terminal.type("\n");
  const { code, stdout } = await terminal.ended();
  assert.match(stdout, /\n1 in all\r\n/);
  assert.equal(code, 0, stdout);
});

terminalTest("the end of input ends the shell", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using program = startShell(place, exporter, "/bin/sh");
  await program.seeOut("[bench] $ ");
  await program.type("\x04");
  assert.equal((await program.ended()).code, 0);
});

terminalTest("the signal of a terminal that is closed stops an exporter, which runs afterLease", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, { hooks: { afterLease: { script: `touch "${place.path("tidied")}"` } } });
  const words = ["run", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  await using terminal = startJmpOnTerminal(place, words);
  await terminal.seeOut("Ready: ");
  const processes = [...await place.processes()];
  const [pid] = processes.find(([, command]) => command.startsWith(Deno.execPath())) ?? assert.fail(String(processes));
  Deno.kill(pid, "SIGHUP");
  const { stdout } = await terminal.ended();
  assert.match(stdout, /Stopping \(SIGHUP\)[^]*Stopped/);
  assert.ok((await Deno.stat(place.path("tidied"))).isFile);
});

terminalTest("an exporter whose terminal is gone runs afterLease, though nobody reads what it says", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, { hooks: { afterLease: { script: `touch "${place.path("tidied")}"` } } });
  const words = ["run", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  await using terminal = startJmpOnTerminal(place, words);
  await terminal.seeOut("Ready: ");
  terminal.signal("SIGKILL");
  await terminal.ended();
  assert.deepEqual(await place.leftProcesses(), []);
  assert.ok((await Deno.stat(place.path("tidied"))).isFile);
  assert.deepEqual(await place.leftFiles(), []);
});
