/**
 * What happens at an exporter, as data, for whoever is told of it: status pages, metrics, an audit log, spans. The
 * exporter knows none of them. An event never has arguments, results or secrets.
 *
 * @module
 */
import type { ErrorCode } from "./errors.ts";

/** A client's connection. */
export interface ConnectedClient {
  /** The name in its certificate; nothing when it has shown none. */
  readonly identity?: string;
  /** Where it is, such as `192.0.2.7:51234`. */
  readonly address: string;
  /** Since when it is connected. */
  readonly since: Date;
}

/** How a driver is used. */
export type UseKind = "call" | "callStream" | "openStream" | "file";

/** Something of a driver's that is under way for a client. */
export interface DriverUse {
  readonly kind: UseKind;
  /** The driver's path, such as `bench.power`; empty for the root. */
  readonly driver: string;
  /** The method, `?` when the driver has none of that name, and empty for a file. */
  readonly method: string;
  /** The name in the client's certificate. */
  readonly identity?: string;
  /** Where the client is. */
  readonly address: string;
  /** Whether it is a hook of the exporter's own. */
  readonly isHook: boolean;
  /** The span in which the client has made the call, as it says itself in the words of W3C's Trace Context. */
  readonly traceParent?: string;
  readonly since: Date;
}

/** A client that holds the devices. */
export interface HoldingClient {
  /** What it calls itself, or what its certificate calls it; empty where neither is so. */
  readonly name: string;
  readonly address: string;
  readonly since: Date;
}

/** How a use has ended. */
export type UseCode = "ok" | ErrorCode;

/** How a hook has ended. */
export type HookResult = "ok" | "failed" | "killed" | "timedOut" | "interrupted" | "notStarted";

/** What happens at an exporter. Where two events belong together they have the same object. */
export type ExporterEvent =
  | { readonly kind: "status"; readonly status: string; readonly message: string }
  | { readonly kind: "connected"; readonly client: ConnectedClient }
  | { readonly kind: "disconnected"; readonly client: ConnectedClient }
  | {
    readonly kind: "refused";
    /** The name in its certificate. */
    readonly identity?: string;
    readonly address: string;
    readonly reason: string;
    /** How many alike there were since the last that was told of: a flood is not told one by one. */
    readonly untold: number;
  }
  | { readonly kind: "useBegun"; readonly use: DriverUse }
  | { readonly kind: "useEnded"; readonly use: DriverUse; readonly code: UseCode }
  | { readonly kind: "bytes"; readonly use: DriverUse; readonly toClient: number; readonly fromClient: number }
  | { readonly kind: "hookEnded"; readonly hook: string; readonly result: HookResult; readonly durationMs: number }
  | { readonly kind: "driver"; readonly driver: string; readonly fault: string | undefined }
  | { readonly kind: "holds"; readonly holder: HoldingClient | undefined; readonly waiting: number };

/** Is told of what happens, as it happens. It must not throw, and returns at once. */
export type ExporterObserver = (event: ExporterEvent) => void;

/** An observer that passes everything on to several. */
export function tellAll(observers: readonly ExporterObserver[]): ExporterObserver {
  return (event) => {
    for (const observe of observers) observe(event);
  };
}
