import project from "../../deno.json" with { type: "json" };
import { JMP_GRPC_PASSPHRASE } from "../env.ts";
import type { MainOptions } from "./main_options.ts";
import { exitCodes } from "../exit_codes.ts";
import { parseDuration, parsePositiveDuration } from "./duration.ts";
import { addConfigLimits, addServerLimits } from "./limit_options.ts";
import { writeOut } from "./output.ts";
import { addHelpCommand, addLogOptions, type Command, createCommand, Option, runProgram } from "./program.ts";

/** Runs `jmp`; answers the exit code of the command. */
export async function jmp(options: MainOptions): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = addHelpCommand(addLogOptions(createCommand("jmp")))
    .description("Drive real hardware over the network: serve a device's drivers, or use those of another machine")
    .version(project.version, "-V, --version", "Show the version");
  program.addCommand(
    runCommand().action(async (_options, command: Command) => {
      const { jmpRun } = await import("./jmp_run.ts");
      exitCode = await jmpRun(command.optsWithGlobals(), options);
    }),
  );
  program.addCommand(
    shellCommand().action(async (words: string[], _options, command: Command) => {
      const { jmpShell } = await import("./jmp_shell.ts");
      exitCode = await jmpShell(words, command.optsWithGlobals(), options);
    }),
  );
  program.addCommand(
    inspectCommand().action(async (_options, command: Command) => {
      const { jmpInspect } = await import("./jmp_inspect.ts");
      await jmpInspect(command.optsWithGlobals(), options);
    }),
  );
  program.addCommand(
    permissionsCommand().action(async (_options, command: Command) => {
      const { jmpPermissions } = await import("./jmp_permissions.ts");
      await jmpPermissions(command.optsWithGlobals(), options);
    }),
  );
  program.addCommand(
    statusCommand().action(async (_options, command: Command) => {
      const { jmpStatus } = await import("./jmp_status.ts");
      await jmpStatus(command.optsWithGlobals(), options);
    }),
  );
  const config = createCommand("jmp config").description("Look at exporter configs");
  config.addCommand(
    addConfigLimits(addLogOptions(createCommand("jmp config check"))).description(
      "Say what a config would serve, or everything that is wrong with it",
    )
      .argument("<file>", "The exporter's YAML file")
      .action(async (file: string, _options, command: Command) => {
        const { checkConfig } = await import("./jmp_config.ts");
        writeOut(await checkConfig(file, command.optsWithGlobals(), options.packages));
      }),
  );
  program.addCommand(config);
  program.addCommand(
    createCommand("jmp j").description("Drive the exporter of this shell; see j --help"),
  );
  program.addCommand(
    createCommand("jmp version").description("Show the version").action(() => writeOut(`${project.version}\n`)),
  );
  await runProgram(program, withEmptyWaits(program, options.args));
  return exitCode;
}

/**
 * The words with `--wait=` for each bare `--wait` of `jmp shell`: commander would take the next word for its duration,
 * which is the command to run.
 */
function withEmptyWaits(program: Command, args: readonly string[]): string[] {
  const words = [...args];
  const options = program.commands.find((command) => command.name() === "shell")?.options ?? [];
  for (let i = words.indexOf("shell") + 1; i > 0 && words[i]?.startsWith("-") && words[i] !== "--"; i++) {
    if (words[i] === "--wait") words[i] = "--wait=";
    else if (options.some((option) => option.required && [option.short, option.long].includes(words[i]))) i++;
  }
  return words;
}

function runCommand(): Command {
  return addGraces(addServerLimits(addPassphraseOptions(addServeOptions(addLogOptions(createCommand("jmp run"))))))
    .description("Serve the devices of a config until stopped (SIGTERM or ctrl-C)")
    .option("--least-privilege", "Run under no more permissions than this config needs; see jmp permissions")
    .addOption(new Option("--log-format <format>", "How log lines look").choices(["text", "json"]).default("text"));
}

/** How long an exporter waits at the end of a session; it has its defaults itself. */
function addGraces(command: Command): Command {
  const add = (flags: string, description: string) => new Option(flags, description).argParser(parseDuration);
  return command
    .addOption(
      add("--call-grace <duration>", "How long calls may take to end before afterLease, and at a stop (default: 10s)"),
    )
    .addOption(
      add("--hook-kill-grace <duration>", "How long a hook may take to end after SIGTERM, until SIGKILL (default: 5s)"),
    );
}

function permissionsCommand(): Command {
  return addServeOptions(addLogOptions(createCommand("jmp permissions")))
    .description("Show which Deno permissions jmp run needs for a config, part by part and together")
    .option("--flags", "Only what is needed together, as flags of deno run")
    .option("--json", "The same as the permission set of a deno.json");
}

/** What says which config is served, where and with what. */
function addServeOptions(command: Command): Command {
  return addConfigLimits(command)
    .option("--exporter-config <file>", "The exporter's YAML file")
    .option("--exporter <alias>", "The exporter's alias: ~/.config/jumpstarter/exporters/ALIAS.yaml, or in /etc")
    .option("--tls-grpc-listener <[host:]port>", "Where to listen; without a host on every address, port 0 picks one")
    .option("--tls-grpc-insecure", "Serve plaintext, without TLS")
    .option("--tls-cert <file>", "The certificate to serve TLS with, PEM; one is made and kept otherwise")
    .option("--tls-key <file>", "The certificate's private key, PEM")
    .option("--tls-client-ca <file>", "The authorities of clients' certificates, PEM; clients must show one then")
    .option("--state-dir <dir>", "Where the exporter keeps a certificate of its own; ~/.local/state/jumpstarter else")
    .option("--http <[host:]port>", "Serve /healthz, /readyz and /metrics here; without a host on the loopback")
    .option("--audit-log <file>", "Add a line of JSON for each connection, refusal and call; - is standard output")
    .option(
      "--runtime-dir <dir>",
      "A directory for its sockets that only you can enter; one is made and removed otherwise",
    );
}

function shellCommand(): Command {
  return addGraces(addRemoteOptions(addLogOptions(createCommand("jmp shell"))))
    .usage("[options] [--] [command...]")
    .description("Start a shell, or run a command, in which j drives an exporter")
    .argument("[command...]", "What to run instead of an interactive $SHELL")
    .passThroughOptions()
    .option("--exporter-config <file>", "Serve this config in the same process and connect to it")
    .option("--exporter <alias>", "The same for an exporter's alias")
    .option("--exporter-logs", "Show all of the exporter's log lines, not only those of its hooks")
    .addOption(
      new Option("--ready-timeout <duration>", "How long to wait until the exporter is ready")
        .default(300_000, "300s").argParser(parsePositiveDuration),
    )
    .addOption(
      new Option("--wait [duration]", "Wait for an exporter that is not up yet; without =DURATION for ever")
        .argParser((text) => text === "" ? Infinity : parsePositiveDuration(text)),
    )
    .addOption(
      new Option("--command-kill-grace <duration>", "How long a signal to jmp leaves the command until SIGKILL")
        .default(10_000, "10s").argParser(parseDuration),
    )
    .option("--exclusive", "Have the devices to yourself; with --wait, wait until they are free")
    .option("--steal", "The same, and take them over from whoever uses them");
}

function inspectCommand(): Command {
  return addRemoteOptions(addLogOptions(createCommand("jmp inspect")))
    .description("Show an exporter's devices, their classes and their methods")
    .option("--json", "As one line of JSON");
}

function statusCommand(): Command {
  return addRemoteOptions(addLogOptions(createCommand("jmp status")))
    .description("Show the state of an exporter, who uses it, and which of its devices work")
    .option("--json", "As one line of JSON")
    .option("--watch", "Go on and show what changes, until stopped");
}

function addRemoteOptions(command: Command): Command {
  command
    .addOption(
      new Option("--connect-timeout <duration>", "How long the exporter may take to answer (default: 10s)")
        .argParser(parsePositiveDuration),
    )
    .option("--tls-grpc <host:port>", "The exporter to connect to (port 19090 when left out)")
    .option("--tls-grpc-insecure", "Speak plaintext, without TLS")
    .option("--tls-ca <file>", "The authorities to trust instead of the system's, PEM")
    .option("--tls-fingerprint <sha256:hex>", "The one certificate, or key, to trust, as the exporter prints it")
    .option("--tls-client-cert <file>", "The certificate to show an exporter that asks for one, PEM")
    .option("--tls-client-key <file>", "Its private key, PEM")
    .option("--known-exporters <file>", "Where exporters are remembered that you have said to trust");
  return addPassphraseOptions(command);
}

function addPassphraseOptions(command: Command): Command {
  return command
    .option(
      "--passphrase <text>",
      `What every call must present; visible in the process list, which ${JMP_GRPC_PASSPHRASE} is not`,
    )
    .option("--passphrase-file <file>", "A file that holds it and nothing else");
}
