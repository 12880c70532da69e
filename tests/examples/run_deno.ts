/**
 * Runs Deno in this repository as a user would, bounded.
 *
 * @module
 */

/** How a run ended, and what it wrote. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Examples take seconds; this only keeps a hanging one from hanging the tests. */
const limitMs = 120_000;

/** Runs Deno with these words in the root of the repository. */
export async function runDeno(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
    signal: AbortSignal.timeout(limitMs),
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
