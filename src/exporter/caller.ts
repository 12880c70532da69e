/** Who calls, and until when. */
export interface Caller {
  /** Fires when the client gives up or goes. */
  readonly signal: AbortSignal;
  /** Fires when the client itself goes, which may be long after the call. */
  readonly connectionClosed: AbortSignal;
  /** Where the client is. */
  readonly peer: string;
  /** Who the client is, by the name in its certificate; nothing when it has shown none. */
  readonly identity?: string;
  /** A child of the exporter itself, such as a hook's `j`. */
  readonly isTrusted: boolean;
  /** What shows that the client holds the devices. */
  readonly hold?: string;
  /** The span in which the client has made the call, as W3C's Trace Context has it. */
  readonly traceParent?: string;
}
