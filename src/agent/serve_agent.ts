import { JumpstarterError } from "../errors.ts";
import type { Terminal, TerminalFacts } from "../terminal.ts";
import { FrameConnection, toBytes, toText } from "./frames.ts";
import { RemoteTerminal } from "./remote_terminal.ts";
import { currentUser, type StartMessage } from "./start_message.ts";

/** What an agent does, and for whom. */
export interface AgentOptions {
  /** Where to listen: a path in a directory that only this user can enter. */
  readonly path: string;
  /** Which program this is, in all that makes a difference. An agent runs nothing for another. */
  readonly program: string;
  /** Whether a command of such a terminal is for this agent, or is left to the `j` itself. */
  readonly accepts: (facts: TerminalFacts) => boolean;
  /**
   * Runs a command on a terminal and answers its exit code. `gone` fires when the `j` is not there any more, and so
   * whatever the command has opened is to be closed, as the end of a process would.
   */
  readonly run: (args: readonly string[], terminal: Terminal, gone: AbortSignal) => Promise<number>;
  /** Told of what fails here. What a command leaves to fail without anybody who waits for it is for the program. */
  readonly onFault: (error: unknown) => void;
}

/** How long commands that still run may take to end when the agent does. */
const stopGraceMs = 1_000;

/**
 * Runs the commands of `j` in this process, where everything that they need is loaded, until disposed of. Then those
 * that still run are given up.
 *
 * @throws What `Deno.listen` throws where there can be no such socket.
 */
export async function serveAgent(options: AgentOptions): Promise<AsyncDisposable> {
  const listener = Deno.listen({ transport: "unix", path: options.path });
  await Deno.chmod(options.path, 0o600);
  const agent = new Agent(options, listener);
  return { [Symbol.asyncDispose]: () => agent.stop() };
}

class Agent {
  readonly #options: AgentOptions;
  readonly #listener: Deno.Listener;
  readonly #user = currentUser();
  readonly #connections = new Set<FrameConnection>();
  readonly #terminals = new Set<RemoteTerminal>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(options: AgentOptions, listener: Deno.Listener) {
    this.#options = options;
    this.#listener = listener;
    this.#accepting = this.#accept();
  }

  async stop(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const ended = new JumpstarterError("connection_lost", "The jmp that this j belongs to has ended");
    for (const terminal of this.#terminals) terminal.abandon(ended);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, stopGraceMs);
    await Promise.race([Promise.all(this.#serving), late.promise]);
    clearTimeout(timer);
    for (const connection of this.#connections) connection[Symbol.dispose]();
  }

  async #accept(): Promise<void> {
    for (;;) {
      let socket: Deno.Conn;
      try {
        socket = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        this.#options.onFault(error); // too many open files, perhaps: the next one may do
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const connection = new FrameConnection(socket);
      this.#connections.add(connection);
      const serving = this.#serve(connection).catch(this.#options.onFault).finally(() => {
        connection[Symbol.dispose]();
        this.#connections.delete(connection);
        this.#serving.delete(serving);
      });
      this.#serving.add(serving);
    }
  }

  /** Serves one `j` from its first word to its exit code. */
  async #serve(connection: FrameConnection): Promise<void> {
    void connection.send("hello", toBytes(this.#options.program));
    const frame = await connection.receive();
    if (frame?.name !== "start") return; // it found this to be another program
    const { args, facts, user }: StartMessage = JSON.parse(toText(frame.payload));
    const { uid, umask } = this.#user;
    if (user.uid !== uid || user.umask !== umask || !this.#options.accepts(facts)) {
      return await connection.send("declined");
    }
    const terminal = new RemoteTerminal(connection, facts);
    this.#terminals.add(terminal);
    const gone = new AbortController();
    const listening = terminal.listen().then(() => gone.abort());
    try {
      await terminal.exit(await this.#options.run(args, terminal, gone.signal));
    } finally {
      this.#terminals.delete(terminal);
      connection[Symbol.dispose]();
      await listening;
    }
  }
}
