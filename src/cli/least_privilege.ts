import { childEnd } from "../child_end.ts";
import { JMP_GRPC_PASSPHRASE } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import { allPermissions, permissionFlags } from "../permission.ts";
import { onSignals, reachesChildren } from "../platform.ts";
import { openPrivateTempDir } from "../private_files.ts";
import { type ConfigChoice, planExporter } from "./exporter_config.ts";
import { definedOnly } from "./connection_options.ts";
import { type PermissionsOptions, runPermissions } from "./jmp_permissions.ts";
import type { MainOptions } from "./main_options.ts";
import { writeErr } from "./output.ts";
import { withoutNoticeVariables } from "./service_notices.ts";
import { tidyUp } from "./tidy_up.ts";
import { choosePassphrase, type PassphraseOptions } from "./passphrase_source.ts";

/** The option that starts the program again; the second time it is left out. */
const option = "--least-privilege";

/** What the program is started with when all is allowed, and what stands in its place here. */
const allowAll = "-A";

/**
 * Runs `jmp run` once more under exactly the permissions that its config needs; answers that run's exit code. Signals
 * are passed on, and it is for the exporter to decide what they mean.
 */
export async function runWithLeastPrivilege(
  options: ConfigChoice & PermissionsOptions & PassphraseOptions,
  main: MainOptions,
): Promise<number> {
  if (!main.restrictedLauncher.includes(allowAll)) {
    throw new JumpstarterError("usage", `${option} needs Deno: the permissions of a compiled program are fixed`, {
      hint: "deno run -A jsr:@jumpstarter/cli run …",
    });
  }
  const passphrase = await choosePassphrase(options, main.env);
  const planned = await planExporter(options, main);
  await using made = options.runtimeDir === undefined ? await openPrivateTempDir() : undefined;
  const runtimeDir = options.runtimeDir ?? made?.path ?? "";
  const parts = await runPermissions(planned, options, runtimeDir, main.env);
  const flags = permissionFlags(parts.flatMap(({ permissions }) => permissions));
  if (flags.join() === permissionFlags(allPermissions).join()) {
    const greedy = parts.filter(({ permissions }) => permissionFlags(permissions).join() === flags.join());
    writeErr(`jmp: ${greedy.map(({ part }) => part).join(" and ")} needs every permission, so nothing is refused\n`);
  }
  const words = main.restrictedLauncher.flatMap((word) => word === allowAll ? ["--no-prompt", ...flags] : [word]);
  // The passphrase goes where the process list does not show it.
  const args = withoutPassphrase(main.args.filter((word) => word !== option));
  const place = made === undefined ? [] : ["--runtime-dir", made.path];
  if (main.env.NOTIFY_SOCKET) {
    writeErr(`jmp: systemd is not told how this is: what that takes is refused with ${option}; use Type=exec\n`);
  }
  const env = { ...withoutNoticeVariables(main.env), [JMP_GRPC_PASSPHRASE]: passphrase };
  const [exitCode] = await Promise.all([passingSignals([...words, ...args, ...place], definedOnly(env)), tidyUp()]);
  return exitCode;
}

/** The words without the options that give a passphrase, in either of the two ways in which an option is written. */
function withoutPassphrase(words: readonly string[]): string[] {
  const names = ["--passphrase", "--passphrase-file"];
  return words.filter((word, index) =>
    !names.includes(word) && !names.includes(words[index - 1] ?? "") &&
    !names.some((name) => word.startsWith(`${name}=`))
  );
}

async function passingSignals([program = "", ...args]: readonly string[], env: Record<string, string>) {
  const child = new Deno.Command(program, { args, env, clearEnv: true, stdin: "null" }).spawn();
  const isOnTerminal = Deno.stdin.isTerminal();
  using _signals = onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (name) => {
    // To pass on what comes to the child by itself would force it to stop at once.
    if (reachesChildren(name, isOnTerminal)) return;
    try {
      child.kill(name === "SIGHUP" && isOnTerminal ? "SIGTERM" : name); // the child sees no terminal
    } catch {
      // It has ended, and its status is on the way.
    }
  });
  const { code } = await childEnd(child);
  return code;
}
