/**
 * The Python implementation in a virtual environment of its own, made when it is missing.
 *
 * It lies under `.cache`, which git ignores. Test files that run at the same time share it: a lock makes one of them
 * prepare it while the others wait, and a file that is written last says that it is whole, and what is in it.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the Python implementation is, or why it cannot be used. */
export type PythonPeer = { readonly kind: "ready"; readonly venv: string } | {
  readonly kind: "absent";
  readonly why: string;
};

/** The release that judges. */
export const PEER_VERSION = "0.9.0";

/** What a release is asked for. */
export interface PeerRelease {
  readonly version: string;
  readonly packages: readonly string[];
}

const judge: PeerRelease = {
  version: PEER_VERSION,
  packages: [
    "jumpstarter-cli",
    "jumpstarter-driver-composite",
    "jumpstarter-driver-network",
    "jumpstarter-driver-opendal",
    "jumpstarter-driver-power",
    "jumpstarter-driver-pyserial",
    "jumpstarter-driver-shell",
  ],
};
/** What an older release is asked for. */
const oldPackages = ["jumpstarter-cli", "jumpstarter-driver-composite", "jumpstarter-driver-power"];
const cacheDir = fileURLToPath(new URL("../../../.cache/", import.meta.url));
/** The oldest Python that the release runs on. */
const minimum = [3, 11] as const;

/**
 * Prepares the environment, or finds it prepared. Without a fitting Python it says so and why, on a line of its own;
 * a Python that is there and an installation that fails are an error, since nobody would notice otherwise.
 */
export async function preparePythonPeer({ version, packages }: PeerRelease = judge): Promise<PythonPeer> {
  const why = await whyUnfit();
  if (why !== undefined) {
    console.log(`NOT RUN: the tests against the Python implementation, because ${why}`);
    return { kind: "absent", why };
  }
  await Deno.mkdir(cacheDir, { recursive: true });
  // Its programs name the folder that they were made in: one that stays, where `.cache` is a link.
  const venv = join(await Deno.realPath(cacheDir), `peer-${version}`);
  using lock = await Deno.open(`${venv}.lock`, { create: true, write: true });
  await lock.lock(true); // let go when this process ends, however it ends
  await complete(venv, { version, packages });
  return { kind: "ready", venv };
}

/**
 * Prepares an older release, which the tests can do without: where it cannot be installed, they say so and why.
 */
export async function prepareOldPeer(version: string): Promise<PythonPeer> {
  try {
    return await preparePythonPeer({ version, packages: oldPackages });
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] ?? "" : String(error);
    console.log(`NOT RUN: the tests against the Python implementation ${version}, because ${why}`);
    return { kind: "absent", why };
  }
}

/** Installs what the environment lacks. What another revision of these tests has put there stays. */
async function complete(venv: string, { version, packages }: PeerRelease): Promise<void> {
  const whole = join(venv, "whole");
  const present = await linesOf(whole);
  const missing = packages.filter((name) => !present?.includes(name));
  if (missing.length === 0) return;
  console.log(`Preparing the Python implementation ${version} in ${venv}, which is done once`);
  if (present === undefined) {
    await Deno.remove(venv, { recursive: true }).catch(ignoreNotFound); // left half made
    await command("python3", ["-m", "venv", venv]);
  } else {
    await Deno.remove(whole); // half made from now on
  }
  const versions = missing.map((name) => `${name}==${version}`);
  await command(join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", ...versions]);
  await Deno.writeTextFile(whole, [...new Set([...present ?? [], ...packages])].join("\n"));
}

async function whyUnfit(): Promise<string | undefined> {
  const wanted = `import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < (${minimum.join(", ")}))`;
  try {
    const { success, stderr } = await new Deno.Command("python3", { args: ["-c", wanted] }).output();
    if (success) return undefined;
    return lastLine(stderr) ?? `python3 is older than ${minimum.join(".")}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no python3";
    throw error;
  }
}

/** Runs a command with the user's own environment, which says how to reach the package index. */
async function command(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
}

function lastLine(bytes: Uint8Array): string | undefined {
  return new TextDecoder().decode(bytes).trim().split("\n").at(-1) || undefined;
}

/** The lines of a file that may be missing. */
async function linesOf(path: string): Promise<string[] | undefined> {
  const text = await Deno.readTextFile(path).catch(ignoreNotFound);
  return text?.split("\n").filter((line) => line !== "");
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
