import { join } from "node:path";
import { serveAgent } from "../agent/mod.ts";
import type { DriverPackage } from "../driver/mod.ts";
import { JMP_AGENT } from "../env.ts";
import { allPermissions } from "../permission.ts";
import { type Env, isSameConnection } from "./connection_options.ts";
import type { ExporterSupply } from "./exporter_supply.ts";

/** Where the `j` of one shell or hook is served, and for which exporter. */
export interface ServeJOptions {
  /** A directory that only this user can enter. */
  readonly dir: string;
  /** The variables that lead `j` to its exporter. */
  readonly env: Env;
  readonly packages: readonly DriverPackage[];
  /** Which program this is; see `MainOptions`. */
  readonly program: string;
  /** Takes one line about what went wrong here. */
  readonly warn: (line: string) => void;
}

/** An agent that runs the commands of `j`. */
export interface ServedJ extends AsyncDisposable {
  /** The variables that lead `j` to it; none where there can be no agent. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where there is no agent, each `j` does its work by itself. */
const noAgent: ServedJ = { env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };

/** Runs the commands of a shell's or a hook's `j` in this process. What they need is loaded for the first of them. */
export async function serveJ({ dir, env, packages, program, warn }: ServeJOptions): Promise<ServedJ> {
  if (!isAllAllowed()) return noAgent;
  const path = join(dir, "agent.sock");
  let exporters: ExporterSupply | undefined;
  try {
    const agent = await serveAgent({
      path,
      program,
      accepts: (facts) => isSameConnection(facts.env, env),
      async run(args, terminal, gone) {
        const [{ j }, { ExporterSupply }] = await Promise.all([import("./j.ts"), import("./exporter_supply.ts")]);
        const supply = exporters ??= new ExporterSupply(env, packages);
        return await j(args, terminal, ({ signal }) => supply.borrow(signal, gone));
      },
      onFault: (error) => warn(`the agent of j: ${error instanceof Error ? error.message : error}`),
    });
    return {
      env: { [JMP_AGENT]: path },
      async [Symbol.asyncDispose]() {
        await agent[Symbol.asyncDispose]();
        exporters?.[Symbol.dispose]();
      },
    };
  } catch {
    return noAgent; // there are no Unix sockets here (Windows), or none of so long a path
  }
}

/** A command may do here only what this process may, and a `j` of its own may do everything. */
function isAllAllowed(): boolean {
  return allPermissions.every(({ kind }) => Deno.permissions.querySync({ name: kind }).state === "granted");
}
