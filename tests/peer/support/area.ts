/**
 * An area of the matrix: the devices that its rows need, and the rows, each of which every client runs against every
 * exporter.
 *
 * To add one:
 *
 * 1. Write `tests/peer/areas/<name>.ts`, which exports what {@linkcode defineArea} returns. Its `open` starts what the
 *    devices stand on (a server, a PTY, a folder) and answers with the entries of the config; its rows use them.
 * 2. Add it to the list in `tests/peer/areas/mod.ts`.
 * 3. Run it alone with `deno test -A tests/peer/matrix_test.ts -- area=<name>`; `column=ours>Python` (a part of a
 *    column's name, without spaces) runs fewer columns, `row=…` fewer rows.
 *
 * There are three ways to do something in a row, from the dearest to the cheapest:
 *
 * - `cell.session.run("j …")` types a command into the client's shell, as its users do. The Python `j` takes more than a
 *   second to start, and there are eight columns with it: one such command for each thing that a user sees.
 * - `cell.ask({python, ours})` asks the client's library over a connection that stays open, and answers with JSON.
 *   `python` is the body of a function of `client`; `ours` is a function of an `Exporter`, or `raw` one of a channel.
 * - what the exporter did shows in `cell.running.program.stderr`, in files, or in what `open` has started.
 *
 * ```ts
 * export const echo = defineArea({
 *   name: "echo",
 *   open: () => Promise.resolve({ entries: { echo: { type: "jumpstarter_driver_network.driver.EchoNetwork" } } }),
 *   rows: [{
 *     name: "no address",
 *     async run({ ask }) {
 *       const answer = await ask({
 *         python: `return sorted(client.echo.methods_description)`,
 *         ours: (exporter) => Object.keys(exporter.driver("echo").link.methodDescriptions).sort(),
 *       });
 *       assert.deepEqual(answer, []);
 *     },
 *   }],
 * });
 * ```
 *
 * A row that some pairing cannot be held to says why in `notRun`, and one that asks less of a pairing says so in
 * `remark`: both are printed beneath the matrix. All rows of a column run one after the other, on one exporter, in the order of the list.
 */
import type { Exporter } from "../../../src/client/mod.ts";
import type { Json } from "../../../src/json.ts";
import type { Channel } from "../../../src/rpc/mod.ts";
import type { HookText } from "../../fixtures/exporter.ts";
import type { Place } from "../../fixtures/place.ts";
import type { PeerExporter } from "./peer_exporter.ts";
import type { Session } from "./session.ts";
import type { CertificateFiles, Security, Side } from "./side.ts";

/** Who talks to whom, and how. */
export interface Pairing {
  readonly client: Side;
  readonly exporter: Side;
  readonly security: Security;
}

/** What an area brings to the exporter's config. What it has started ends by its disposal. */
export interface Bench extends Partial<AsyncDisposable> {
  /** Devices for the config's `export` section; their names must be the area's own. */
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly motd?: string;
  readonly hooks?: { readonly beforeLease?: HookText; readonly afterLease?: HookText };
}

/** One question to a client's library. */
export interface Question {
  /** The body of a Python function of `client`; what it returns must be JSON. */
  readonly python: string;
  /** The same for ours. */
  readonly ours: (exporter: Exporter) => Json | void | Promise<Json | void>;
}

/** One question of the contract's own methods, at whatever point of a session. */
export interface RawQuestion extends Pick<Question, "python"> {
  /** The same for a connection of ours, which has asked for nothing yet. */
  readonly raw: (channel: Channel) => Json | void | Promise<Json | void>;
}

/** Where the rows of a column run. */
export interface Column extends Pairing {
  readonly place: Place;
  readonly certificate: CertificateFiles;
  readonly running: PeerExporter;
  /** The client's shell, in which a row may type. */
  readonly session: Session;
  /** Asks the client's library. A Python exception is a {@linkcode PythonError}. */
  readonly ask: (question: Question | RawQuestion) => Promise<Json>;
}

/** One cell: a row in a column, with the bench of the row's area. */
export interface Cell<B> extends Column {
  readonly bench: B;
}

/** One row of the matrix. */
export interface Row<B> {
  /** What must hold, in a few words. */
  readonly name: string;
  /** Why this pairing cannot be held to it. */
  readonly notRun?: (pairing: Pairing) => string | undefined;
  /** What has to be said of a cell that passes, where what is right there is not what the contract asks for. */
  readonly remark?: (pairing: Pairing) => string | undefined;
  readonly run: (cell: Cell<B>) => Promise<void>;
}

/** An area as it is written. */
export interface AreaDefinition<B extends Bench> {
  readonly name: string;
  /** Starts what the devices of a column stand on; servers of its own may have the exporter's certificate. */
  readonly open: (place: Place, pairing: Pairing, certificate: CertificateFiles) => Promise<B>;
  readonly rows: readonly Row<B>[];
}

/** An area whose bench is open. */
export interface OpenArea extends AsyncDisposable {
  readonly bench: Bench;
  /** Runs the row of that name. */
  run(row: string, column: Column): Promise<void>;
}

/** An area as the matrix sees it. */
export interface Area {
  readonly name: string;
  readonly rows: readonly Pick<Row<Bench>, "name" | "notRun" | "remark">[];
  open(place: Place, pairing: Pairing, certificate: CertificateFiles): Promise<OpenArea>;
}

/** Defines an area; the type of its bench stays between `open` and the rows. */
export function defineArea<B extends Bench>({ name, open, rows }: AreaDefinition<B>): Area {
  return {
    name,
    rows,
    async open(place, pairing, certificate) {
      const bench = await open(place, pairing, certificate);
      return {
        bench,
        async run(wanted, column) {
          const row = rows.find((row) => row.name === wanted);
          if (row === undefined) throw new Error(`the area ${name} has no row ${wanted}`);
          await row.run({ ...column, bench });
        },
        [Symbol.asyncDispose]: async () => await bench[Symbol.asyncDispose]?.(),
      };
    },
  };
}
