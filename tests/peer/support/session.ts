import type { Place } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";

/** How a command in a session ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shell in which a test types. What commands print goes to files, apart from what the client itself says. */
export class Session implements AsyncDisposable {
  readonly client: Program;
  readonly #place: Place;
  readonly #name: string;
  #count = 0;

  /** Starts `jmp shell … -- sh`; the client may have to wait for the exporter before the shell begins. */
  constructor(place: Place, argv: readonly string[], env: Readonly<Record<string, string>>) {
    this.#place = place;
    this.#name = crypto.randomUUID();
    this.client = new Program(place, [...argv, "--", "sh"], { env });
  }

  /** Runs a command, and waits for its end. */
  async run(command: string): Promise<CommandResult> {
    const mark = `${this.#name}-${++this.#count}`;
    const out = this.#place.path(`${mark}.out`), err = this.#place.path(`${mark}.err`);
    await this.client.type(`( ${command} ) >'${out}' 2>'${err}' </dev/null; echo "${mark} $?"\n`);
    const [, code] = await this.client.seeOut(new RegExp(`${mark} (\\d+)\n`));
    return { code: Number(code), stdout: await Deno.readTextFile(out), stderr: await Deno.readTextFile(err) };
  }

  /** Leaves the shell with an exit code; answers the client's own. */
  async exit(code: number): Promise<number> {
    await this.client.type(`exit ${code}\n`);
    return (await this.client.ended()).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
