/**
 * The program: `deno run -A cli.ts run …`. It wires the command line to the built-in drivers and ends with the exit
 * code of the command.
 *
 * @module
 */
import project from "./deno.json" with { type: "json" };
import { runOnAgent } from "./src/agent/mod.ts";
import { JMP_AGENT } from "./src/env.ts";
import { exitCodes } from "./src/exit_codes.ts";
import { openProcessTerminal, type ProcessTerminal } from "./src/process_terminal.ts";

/** Loads `commands.ts`. */
export type LoadCommands = () => Promise<typeof import("./commands.ts")>;

/**
 * A `j` that an agent runs loads no more than what is imported above. Were this import a literal, Deno would look
 * through all that it leads to before it begins, which takes half as long again as the whole call.
 */
const loadCommandsLate: LoadCommands = () => import(new URL("./commands.ts", import.meta.url).href);

/**
 * The words that start this program again: the executable itself when compiled, else Deno and a module, this one by
 * default. What Deno has to say of downloads is no part of a hook's output.
 */
function launcher(module = "./cli.ts"): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const { href, protocol } = new URL(module, import.meta.url);
  return [Deno.execPath(), "run", "--quiet", "-A", ...(protocol === "file:" ? [] : ["--no-config"]), href];
}

/** Which program this is, for the agent of a shell: the same version in the same place. */
function programId(): string {
  return [project.version, ...launcher()].join(" ");
}

/**
 * Runs the program and ends the process with its exit code.
 *
 * @param loadCommands Loads what an agent would have loaded already.
 */
export async function runMain(loadCommands: LoadCommands = loadCommandsLate): Promise<never> {
  const env = Deno.env.toObject();
  const [first, ...rest] = Deno.args;
  if (first === "j") {
    const terminal = openProcessTerminal(env);
    const code = await Promise.race([terminal.forced, runJ(rest, terminal, loadCommands)]);
    if (terminal.outputFault !== undefined) await terminal.writeErr(`j: ${terminal.outputFault.message}\n`);
    terminal[Symbol.dispose]();
    Deno.exit(terminal.endCode(code));
  }
  const { builtinDrivers, main } = await loadCommands();
  Deno.exit(
    await main({
      args: Deno.args,
      env,
      packages: builtinDrivers,
      launcher: launcher(),
      restrictedLauncher: launcher("./mod.ts"), // imports nothing by a computed name, which would need read access
      program: programId(),
    }),
  );
}

/** Has a warm process run `j` where there is one, and else runs it here. */
async function runJ(args: readonly string[], terminal: ProcessTerminal, load: LoadCommands): Promise<number> {
  const agent = terminal.facts.env[JMP_AGENT];
  const outcome = agent ? await runOnAgent({ path: agent, program: programId(), args, terminal }) : undefined;
  if (outcome?.kind === "ended") return terminal.isOutputClosed ? exitCodes.outputClosed : outcome.code;
  if (outcome?.kind === "lost") {
    await terminal.writeErr("j: The jmp that this j belongs to has ended before the command had\n");
    return exitCodes.connectionLost;
  }
  const { builtinDrivers, mainJ } = await load();
  return await mainJ(args, terminal, builtinDrivers);
}

if (import.meta.main) await runMain();
