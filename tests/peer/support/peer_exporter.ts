import { freePort } from "../../fixtures/network.ts";
import type { Place } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";
import { type CertificateFiles, exporterOptions, type Security, type Side } from "./side.ts";

/** An exporter of either side that listens. */
export interface PeerExporter extends AsyncDisposable {
  readonly program: Program;
  /** Where, as `127.0.0.1:PORT`. */
  readonly address: string;
  /** Waits until its mock switches have logged at least `count` switchings; answers all of them, oldest first. */
  switched(count: number): Promise<string[]>;
}

/** Starts an exporter with a config, and waits until it listens; its beforeLease may still run. */
export async function startPeerExporter(
  place: Place,
  side: Side,
  config: string,
  security: Security,
  certificate: CertificateFiles,
): Promise<PeerExporter> {
  // The Python exporter takes no port 0.
  const listener = `127.0.0.1:${side.name === "Python" ? freePort() : 0}`;
  const words = ["run", "--exporter-config", config, "--tls-grpc-listener", listener];
  const argv = [...side.jmp, ...words, ...exporterOptions(security, certificate)];
  // What it fetches may be behind the certificate that it serves with.
  const trusting = side.name === "Python" ? { SSL_CERT_FILE: certificate.ca } : { DENO_CERT: certificate.ca };
  const program = new Program(place, argv, { env: { ...side.env, ...trusting } });
  try {
    const [, address = ""] = await program.seeErr(/(?:Listening on|server started on) (127\.0\.0\.1:\d+)/);
    return {
      program,
      address,
      async switched(count) {
        await program.seeErr(new RegExp(`(?:MockPower\\W+power (?:on|off)[^]*){${count}}`));
        return [...program.stderr.matchAll(/MockPower\W+power (on|off)/g)].map(([, state = ""]) => state);
      },
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}
