/** One column of the matrix: an exporter with the devices of all areas, a client's session, and the rows in their order. */
import { connect } from "../../../mod.ts";
import { type ConnectOptions, type Exporter, openChannel } from "../../../src/client/mod.ts";
import type { Json } from "../../../src/json.ts";
import type { Channel } from "../../../src/rpc/mod.ts";
import { within } from "../../../src/rpc/bench_test.ts";
import { writeConfig } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import type { Area, Bench, Column, OpenArea, Pairing, Question, RawQuestion } from "./area.ts";
import { startPeerExporter } from "./peer_exporter.ts";
import { PythonClient, PythonError } from "./python_client.ts";
import { Session } from "./session.ts";
import {
  type CertificateFiles,
  clientEnv,
  clientOptions,
  PASSPHRASE,
  type Security,
  sessionEnv,
  withPassphrase,
  withTls,
  writeCertificate,
} from "./side.ts";

/** A column that runs by itself, while somebody waits for one row after the other. */
export class ColumnRun {
  readonly #pairing: Pairing;
  readonly #areas: readonly Area[];
  readonly #ends = new Map<string, PromiseWithResolvers<void>>();
  readonly #ended = new Set<PromiseWithResolvers<void>>();
  #running: Promise<void> | undefined;

  /** Makes a column of the rows of `areas` that its pairing can be held to. */
  constructor(pairing: Pairing, areas: readonly Area[]) {
    this.#pairing = pairing;
    this.#areas = areas;
    for (const area of areas) {
      for (const row of area.rows) {
        if (row.notRun?.(pairing) !== undefined) continue;
        const end = Promise.withResolvers<void>();
        end.promise.catch(() => {/* whoever waits for the row is told */});
        this.#ends.set(key(area.name, row.name), end);
      }
    }
  }

  /** Begins, unless it has begun; answers when everything that was started is gone. */
  begin(): Promise<void> {
    return this.#running ??= this.#run();
  }

  /** Waits for the end of a row, and fails as it did. */
  async row(area: string, row: string): Promise<void> {
    await this.#ends.get(key(area, row))?.promise;
  }

  async #run(): Promise<void> {
    try {
      await this.#runRows();
    } catch (error) {
      // One of the rows that have not ended tells why, which is enough.
      const [first, ...others] = [...this.#ends.values()].filter((end) => !this.#ended.has(end));
      first?.reject(error);
      for (const { reject } of others) reject(new Error("the column had broken before this row"));
    }
  }

  async #runRows(): Promise<void> {
    const { client, exporter, security } = this.#pairing;
    await using place = await Place.open();
    const certificate = await writeCertificate(place);
    await using stack = new AsyncDisposableStack();
    const open: OpenArea[] = [];
    for (const area of this.#areas) open.push(stack.use(await area.open(place, this.#pairing, certificate)));
    const config = await writeBenchConfig(place, open.map(({ bench }) => bench));
    const running = stack.use(await startPeerExporter(place, exporter, config, security, certificate));
    const shell = ["shell", "--tls-grpc", running.address, ...clientOptions(client, security, certificate)];
    const session = stack.use(new Session(place, [...client.jmp, ...shell], clientEnv(client, security, certificate)));
    const library = stack.use(new Library(place, this.#pairing, running.address, certificate));
    const column: Column = { ...this.#pairing, place, certificate, running, session, ask: library.ask };
    for (const [index, area] of this.#areas.entries()) {
      for (const { name } of area.rows) {
        const end = this.#ends.get(key(area.name, name));
        if (end === undefined) continue;
        const run = async () => await open[index]?.run(name, column);
        // Python with itself is the control, and now and then its own ends of a stream miss each other.
        const isControl = client.name === "Python" && exporter.name === "Python";
        await (isControl ? run().catch(run) : run()).then(end.resolve, end.reject);
        this.#ended.add(end);
      }
    }
  }
}

/** How long our client may take for an answer, as the Python one may. */
const answerMs = 30_000;

/** The library of a column's client, connected when it is first asked. */
class Library implements AsyncDisposable {
  readonly #place: Place;
  readonly #pairing: Pairing;
  readonly #address: string;
  readonly #certificate: CertificateFiles;
  #python: PythonClient | undefined;
  #ours: Exporter | undefined;
  #channel: Channel | undefined;

  constructor(place: Place, pairing: Pairing, address: string, certificate: CertificateFiles) {
    this.#place = place;
    this.#pairing = pairing;
    this.#address = address;
    this.#certificate = certificate;
  }

  readonly ask: Column["ask"] = async (question) => {
    const { client, security } = this.#pairing;
    if (client.name === "Python") {
      const env = sessionEnv(client, this.#address, security, this.#certificate);
      const asked = this.#python ??= new PythonClient(this.#place, env);
      return await asked.ask(question.python).catch(async (error) => {
        // One that gives no answer would give none to the next question either.
        if (!(error instanceof PythonError)) await this.#forget(asked);
        throw error;
      });
    }
    return await within(this.#askOurs(question), "an answer of our client", answerMs) ?? null;
  };

  async #askOurs(question: Question | RawQuestion): Promise<Json | void> {
    const options = await ourOptions(this.#pairing.security, this.#certificate);
    if ("raw" in question) return await question.raw(this.#channel ??= openChannel(this.#address, options));
    return await question.ours(this.#ours ??= await connect(this.#address, options));
  }

  async #forget(client: PythonClient): Promise<void> {
    if (this.#python === client) this.#python = undefined;
    await client[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#python?.[Symbol.asyncDispose]();
    await this.#ours?.[Symbol.asyncDispose]();
    this.#channel?.[Symbol.dispose]();
  }
}

/** How our library connects. */
export async function ourOptions(security: Security, { ca }: CertificateFiles): Promise<ConnectOptions> {
  return {
    ...(withTls(security) ? { tlsCa: await Deno.readTextFile(ca) } : { insecure: true }),
    ...(withPassphrase(security) ? { passphrase: PASSPHRASE } : {}),
  };
}

/** Writes one config with what all benches bring; answers its path. */
export async function writeBenchConfig(
  place: Place,
  benches: readonly Bench[],
  file = "matrix-bench.yaml",
): Promise<string> {
  const names = benches.flatMap(({ entries = {} }) => Object.keys(entries));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two areas have a device "${twice}"`);
  return await writeConfig(place, {
    name: "matrix-bench",
    namespace: "default",
    motd: benches.find(({ motd }) => motd !== undefined)?.motd,
    export: Object.assign({}, ...benches.map(({ entries }) => entries)),
    hooks: Object.assign({}, ...benches.map(({ hooks }) => hooks)),
  }, file);
}

function key(area: string, row: string): string {
  return `${area}: ${row}`;
}
