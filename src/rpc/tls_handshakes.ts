import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import type { Logger } from "../log.ts";
import { timeFault } from "../pem.ts";
import type { Connection, Connections } from "./connections.ts";
import type { FloodLog } from "./flood_log.ts";
import { isOf, peerName, type ServerCertificate } from "./tls.ts";
import type { ServerLimits } from "./server_limits.ts";

/** Serves a connection on what HTTP/2 is to be spoken on. */
export type Accept = (stream: Socket, connection: Connection) => void;

/** What handshakes are made with, beside the certificate. */
export interface TlsHandshakeOptions {
  readonly log: Logger;
  readonly floodLog: FloodLog;
  readonly limits: Pick<ServerLimits, "handshakeMs">;
  readonly connections: Connections;
  readonly accept: Accept;
  readonly renewedCertificate?: () => Promise<ServerCertificate | undefined>;
  readonly renewalCheckMs?: number;
}

/** Makes connections TLS; disposed of, it looks for no newer certificate any more. */
export interface TlsHandshakes extends Disposable {
  /** Begins the handshake of a connection. */
  begin(socket: Socket): void;
}

/**
 * Makes connections TLS before they are accepted. Where clients need certificates, their names are noted on their
 * connections.
 *
 * @param certificate Found to be of use, as those are that replace it.
 */
export function tlsHandshakes(certificate: ServerCertificate, options: TlsHandshakeOptions): TlsHandshakes {
  const { connections, floodLog, log, limits, accept } = options;
  const current = { clientCa: certificate.clientCa };
  warnIfEarly(certificate, log);
  const note = (connection: Connection | undefined, reason: string) => {
    const address = connection?.peer ?? "a client";
    const refusal = { address, reason: `TLS handshake failed: ${reason}` };
    floodLog.warning("tls", `TLS handshake with ${address} failed: ${reason}`, refusal);
  };
  const server = createServer({
    ...contextOf(certificate),
    ALPNProtocols: ["h2"],
    handshakeTimeout: limits.handshakeMs,
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    const connection = connections.of(socket);
    if (connection === undefined) return void socket.destroy();
    // A session that is taken up again brings along a certificate that was looked at when it began.
    if (current.clientCa !== undefined && socket.isSessionReused() && !isOf(socket, current.clientCa)) {
      note(connection, "its certificate does not hold any more");
      return void socket.destroy();
    }
    connection.identity = peerName(socket);
    if (connection.identity !== undefined) {
      log.info(`Connection from ${connection.peer} by ${JSON.stringify(connection.identity)}`);
    }
    accept(socket, connection);
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket & { readonly _parent?: Socket }) => {
    // Its addresses are those of the socket beneath, which the TLS library keeps to itself.
    const connection = connections.of(socket._parent ?? socket);
    socket.destroy(); // a handshake that ran out of time leaves it open
    if (connection?.isEnded || connection?.socket.bytesRead === 0) return; // it has only knocked
    const { authorizationError: refusal } = socket; // the error itself is only that the connection has ended then
    note(connection, refusal ? `its certificate is not accepted (${refusal})` : inPlainWords(error));
  });
  const renewal = keepCurrent(server, options, (renewed) => {
    current.clientCa = renewed.clientCa;
    warnIfEarly(renewed, log);
  });
  return {
    begin: (socket) => void server.emit("connection", socket),
    [Symbol.dispose]: () => clearInterval(renewal),
  };
}

/** Why a client's handshake failed. */
function inPlainWords({ message }: Error): string {
  if (/wrong version number/.test(message)) return "it does not speak TLS";
  if (/hang up/.test(message)) return "it has ended the connection";
  const [, alert] = /fatal alert: (UnknownCA|BadCertificate|Certificate\w+)$/.exec(message) ?? [];
  return alert === undefined ? message : `it does not trust the certificate (${alert})`;
}

function warnIfEarly({ cert }: ServerCertificate, log: Logger): void {
  const fault = timeFault(cert);
  if (fault !== undefined) log.warning(`The certificate ${fault.reason}: until then clients refuse it; ${fault.hint}`);
}

function contextOf({ cert, key, clientCa }: ServerCertificate): TlsOptions {
  const clients: TlsOptions = clientCa === undefined ? {} : {
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: true,
  };
  return { cert, key, minVersion: "TLSv1.2", ...clients };
}

/** Serves new connections with the certificate that has replaced the first one; the open ones stay as they are. */
function keepCurrent(
  server: Server,
  options: TlsHandshakeOptions,
  onRenewed: (certificate: ServerCertificate) => void,
): ReturnType<typeof setInterval> | undefined {
  const { renewedCertificate, renewalCheckMs = 5_000, log } = options;
  if (renewedCertificate === undefined) return undefined;
  let isBusy = false;
  const look = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      const renewed = await renewedCertificate();
      if (renewed === undefined) return;
      server.setSecureContext(contextOf(renewed));
      onRenewed(renewed);
      log.info("New connections are served with the new certificate");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warning(`The certificate that was served so far stays: ${reason}`);
    } finally {
      isBusy = false;
    }
  };
  return setInterval(() => void look(), renewalCheckMs);
}
