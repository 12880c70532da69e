import { ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";
import { JumpstarterError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Connection } from "./connections.ts";
import type { FloodLog, Refusal } from "./flood_log.ts";
import { LoginDelay } from "./login_delay.ts";
import { passphraseChecker, passphraseKey } from "./passphrase.ts";
import { plainPeer } from "./peer.ts";
import type { ServerLimits } from "./server_limits.ts";
import { toStatus } from "./status.ts";

/** Who may call, and where it is noted that somebody may not. */
export interface LoginOptions {
  /** What every call must present. */
  readonly passphrase: string;
  readonly limits: Pick<ServerLimits, "loginPauseMs">;
  readonly log: Logger;
  readonly floodLog: FloodLog;
  /** The connection that a call has come on. */
  readonly connectionOf: (call: object) => Connection | undefined;
}

/**
 * Lets a call through when it presents the passphrase, before any of its message is read. It notes who does not, never
 * what was presented, and slows their address down; a connection that has presented it once is not slowed down.
 */
export class Login implements Disposable {
  readonly #options: LoginOptions;
  readonly #isRight: ReturnType<typeof passphraseChecker>;
  readonly #delay: LoginDelay;
  readonly #waiting = new Set<ReturnType<typeof setTimeout>>();

  /** Makes the gate of one listener. */
  constructor(options: LoginOptions) {
    this.#options = options;
    this.#delay = new LoginDelay({ longestMs: options.limits.loginPauseMs });
    this.#isRight = passphraseChecker(options.passphrase);
  }

  /** What grpc-js calls for each call. */
  readonly interceptor: ServerInterceptor = ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, admit) => {
            const peer = plainPeer(call.getPeer());
            const connection = this.#options.connectionOf(call);
            const judge = () => {
              if (!this.#isRight(metadata)) {
                const reason = metadata.get(passphraseKey).length === 0 ? "missing passphrase" : "wrong passphrase";
                return refuse(call, this.#failed({ address: peer, identity: connection?.identity, reason }, path));
              }
              if (connection !== undefined) connection.hasLoggedIn = true;
              admit(metadata);
            };
            const waitMs = connection?.hasLoggedIn ? 0 : this.#delay.turn(peer);
            if (waitMs === undefined) refuse(call, this.#unjudged(peer, connection?.identity));
            else if (waitMs === 0) judge();
            else this.#later(waitMs, judge);
          },
        }),
    });

  /** Forgets the attempts that wait. */
  [Symbol.dispose](): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }

  #failed(refusal: Refusal, path: string): JumpstarterError {
    const { log, floodLog } = this.#options;
    this.#delay.failed(refusal.address);
    log.warning(`authentication failed: invalid or missing passphrase (${path} from ${refusal.address})`);
    floodLog.refused("passphrase", refusal);
    return new JumpstarterError("unauthenticated", "invalid or missing passphrase");
  }

  #unjudged(address: string, identity?: string): JumpstarterError {
    const reason = "too many failed attempts";
    const refusal = { address, identity, reason };
    this.#options.floodLog.warning("login", `authentication failed: ${reason} (from ${address})`, refusal);
    return new JumpstarterError("unauthenticated", `${reason} from this address; wait a few seconds`);
  }

  #later(waitMs: number, judge: () => void): void {
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      judge();
    }, waitMs);
    this.#waiting.add(timer);
  }
}

function refuse(call: ServerInterceptingCallInterface, error: JumpstarterError): void {
  call.sendStatus(toStatus(error));
}
