/**
 * Log records and where they go. A logger is made once, by the program, and handed down; nothing here is global.
 *
 * @module
 */

/** How important a record is, from least to most. The names are those of the wire. */
export type Severity = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Every severity, from least to most important. */
export const severities: readonly Severity[] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/** Which part of an exporter speaks. */
export type LogSource = "system" | "driver" | "beforeLease" | "afterLease";

/** One line of a log. */
export interface LogRecord {
  /** When it was written. */
  time: Date;
  /** How important it is. */
  severity: Severity;
  /** The line itself. */
  message: string;
  /** Which part of the exporter wrote it. */
  source: LogSource;
  /** The driver's type, where a driver wrote it. */
  driverType?: string;
  /** The driver's method that was running. */
  operation?: string;
  /** Further facts, already safe to show. */
  fields?: Record<string, string>;
}

/** Whether a record is a line that a hook has printed. */
export function isHookLine({ source }: Pick<LogRecord, "source">): boolean {
  return source === "beforeLease" || source === "afterLease";
}

/** Takes records, such as the terminal or the feed that clients subscribe to. */
export type LogSink = (record: LogRecord) => void;

/** What marks the records of one logger. */
export type LogContext = Partial<Pick<LogRecord, "source" | "driverType" | "operation" | "fields">>;

/** Writes records with a fixed context to a sink. */
export class Logger {
  readonly #sink: LogSink;
  readonly #context: LogContext;

  /** Makes a logger that writes to `sink`. */
  constructor(sink: LogSink, context: LogContext = {}) {
    this.#sink = sink;
    this.#context = context;
  }

  /** A logger to the same sink whose records carry `context` too. */
  child(context: LogContext): Logger {
    return new Logger(this.#sink, { ...this.#context, ...context });
  }

  /** Writes one record. */
  log(severity: Severity, message: string, fields?: Record<string, string>): void {
    const record: LogRecord = { time: new Date(), severity, message, source: "system", ...this.#context };
    if (fields !== undefined) record.fields = { ...record.fields, ...fields };
    this.#sink(record);
  }

  /** Details for whoever looks for a fault. */
  debug(message: string, fields?: Record<string, string>): void {
    this.log("DEBUG", message, fields);
  }

  /** What happens in the normal course. */
  info(message: string, fields?: Record<string, string>): void {
    this.log("INFO", message, fields);
  }

  /** What someone should look at. */
  warning(message: string, fields?: Record<string, string>): void {
    this.log("WARNING", message, fields);
  }

  /** What failed. */
  error(message: string, fields?: Record<string, string>): void {
    this.log("ERROR", message, fields);
  }
}

/** A sink that passes on records of at least `least`. */
export function atLeast(least: Severity, sink: LogSink): LogSink {
  const threshold = severities.indexOf(least);
  return (record) => {
    if (severities.indexOf(record.severity) >= threshold) sink(record);
  };
}

/** A sink that hands each record to every one of `sinks`. */
export function toAll(...sinks: readonly LogSink[]): LogSink {
  return (record) => {
    for (const sink of sinks) sink(record);
  };
}
