import type { ExporterObserver } from "../exporter_event.ts";

/** Where to listen for HTTP; port 0 picks one. */
export interface HttpPlace {
  readonly host: string;
  readonly port: number;
}

/** The exporter that is watched over. */
export interface WatchedExporter {
  readonly name: string;
  readonly version: string;
}

/** Something that is told of an exporter until it is disposed of. */
export interface Watcher extends AsyncDisposable {
  /** Is told of what happens. */
  readonly observe: ExporterObserver;
  /** Opens anew what it writes to, which may have been renamed. */
  readonly reopen?: () => Promise<void>;
}

/** A listener for `/healthz`, `/readyz` and `/metrics`. */
export interface HttpWatcher extends Watcher {
  /** Where it listens, with the port that was picked. */
  readonly place: HttpPlace;
}

/** Where the lines of an audit log go. */
export type AuditTarget = { readonly file: string } | { readonly write: (line: string) => void };
