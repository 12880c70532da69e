import type { Terminal } from "../terminal.ts";
import { type Frame, FrameConnection, toBytes, toText } from "./frames.ts";
import { currentUser, type StartMessage } from "./start_message.ts";

/** What an agent is asked to do. */
export interface AgentRequest {
  /** The agent's socket. */
  readonly path: string;
  /** Which program asks; see {@linkcode serveAgent}. */
  readonly program: string;
  /** The words after `j`. */
  readonly args: readonly string[];
  /** Where the command reads and writes. */
  readonly terminal: Terminal;
}

/** What came of it. */
export type AgentOutcome =
  /** The command has run and ended, with this exit code. */
  | { readonly kind: "ended"; readonly code: number }
  /** There is no agent, or none for this: nothing has been done. */
  | { readonly kind: "notRun" }
  /** The agent went away while the command ran. */
  | { readonly kind: "lost" };

/** How long an agent may take to say who it is, before `j` goes on by itself. */
const helloLimitMs = 1_000;

/** The path of a file that this process has open, such as that of the shell's `<(…)`, alone or as an option's value. */
const ownFile = /(?:^|[=:])\/(?:dev\/(?:fd\/|std(?:in|out|err)$)|proc\/(?:self|thread-self)\/)/;

const notRun: AgentOutcome = { kind: "notRun" };

/** Has a command run by an agent, on this terminal. */
export async function runOnAgent({ path, program, args, terminal }: AgentRequest): Promise<AgentOutcome> {
  if (args.some((word) => ownFile.test(word))) return notRun; // it would be another file there
  using connection = await connectTo(path);
  if (connection === undefined) return notRun;
  const hello = await within(helloLimitMs, connection.receive());
  if (hello?.name !== "hello" || toText(hello.payload) !== program) return notRun;
  const start: StartMessage = { args, facts: terminal.facts, user: currentUser() };
  const giveUp = () => connection.send(terminal.isOutputClosed ? "outputClosed" : "interrupt");
  terminal.signal.addEventListener("abort", giveUp);
  void connection.send("start", toBytes(JSON.stringify(start)));
  if (terminal.signal.aborted) void giveUp();
  try {
    return await relay(connection, terminal);
  } finally {
    terminal.signal.removeEventListener("abort", giveUp);
  }
}

async function connectTo(path: string): Promise<FrameConnection | undefined> {
  try {
    return new FrameConnection(await Deno.connect({ transport: "unix", path }));
  } catch {
    return undefined; // it has ended, or the variable is left over from another one
  }
}

async function relay(connection: FrameConnection, terminal: Terminal): Promise<AgentOutcome> {
  let input: ReadableStreamDefaultReader<Uint8Array> | undefined;
  for (;;) {
    const frame = await connection.receive();
    switch (frame?.name) {
      case "out":
        await terminal.writeOut(frame.payload);
        break;
      case "err":
        await terminal.writeErr(frame.payload);
        break;
      case "wantInput":
        // Meanwhile output goes on.
        void sendInput(connection, input ??= terminal.stdin.getReader());
        break;
      case "raw":
      case "cooked":
        terminal.setRaw(frame.name === "raw");
        break;
      case "exit":
        return { kind: "ended", code: Number(toText(frame.payload)) };
      case "declined":
        return notRun;
      default:
        return { kind: "lost" };
    }
  }
}

async function sendInput(connection: FrameConnection, input: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    const { value } = await input.read();
    await (value === undefined ? connection.send("inputEnd") : connection.send("input", value));
  } catch (error) {
    await connection.send("inputFailed", toBytes(error instanceof Error ? error.message : String(error)));
  }
}

/** The frame, or nothing when it is late. A timer of the global `setTimeout` would first load a part of Node's. */
function within(limitMs: number, frame: Promise<Frame | undefined>): Promise<Frame | undefined> {
  return new Promise((resolve) => {
    AbortSignal.timeout(limitMs).addEventListener("abort", () => resolve(undefined));
    frame.then(resolve);
  });
}
