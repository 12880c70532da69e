/** The Python client's library, held open by `python_client.py`. */
import { join } from "node:path";
import type { Json } from "../../../src/json.ts";
import { type Place, repository } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";

/** An exception that a question ended with. */
export class PythonError extends Error {
  override readonly name = "PythonError";
  /** The names of its class, of that one's base, and so on. */
  readonly classes: readonly string[];

  constructor(classes: readonly string[], message: string) {
    super(`${classes[0]}: ${message}`);
    this.classes = classes;
  }
}

/** One line that `python_client.py` prints. */
interface Reply {
  readonly answer?: Json;
  readonly error?: { readonly classes: string[]; readonly message: string };
}

/** A Python program that is connected to an exporter. */
export class PythonClient implements AsyncDisposable {
  readonly #program: Program;
  #count = 0;

  /** Starts it, after the words `within`; `env` says where the exporter is, and has the interpreter first on its PATH. */
  constructor(place: Place, env: Readonly<Record<string, string>>, within: readonly string[] = []) {
    const script = join(repository, "tests", "peer", "support", "python_client.py");
    this.#program = new Program(place, [...within, "env", "python", script], { env });
  }

  /** Asks one question: the body of a function of `client`. */
  async ask(body: string): Promise<Json> {
    const line = ++this.#count;
    await this.#program.type(`${JSON.stringify(body)}\n`);
    await this.#program.seeOut(new RegExp(`^(?:.*\n){${line}}`));
    const reply = JSON.parse(this.#program.stdout.split("\n")[line - 1] ?? "") as Reply;
    if (reply.error !== undefined) throw new PythonError(reply.error.classes, reply.error.message);
    return reply.answer ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}
