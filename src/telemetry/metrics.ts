import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { DriverUse, ExporterEvent, UseCode } from "../exporter_event.ts";

/** From a quick answer of a mock to a firmware image that takes an hour, in seconds. */
const durationBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 3_600];

/** The metrics of one exporter, in the terms of Prometheus. Its labels take their values from the config alone. */
export class ExporterMetrics {
  readonly #registry = new Registry();
  readonly #state = this.#gauge("state", "1 for the state that the exporter is in", ["state"]);
  readonly #connections = this.#gauge("connections_open", "Connections of clients that are open");
  readonly #connected = this.#counter("connections_total", "Connections of clients so far");
  readonly #held = this.#gauge("devices_held", "1 while a client holds the devices");
  readonly #waiting = this.#gauge("hold_waiting", "Clients that wait to hold the devices");
  readonly #calls = this.#counter("driver_calls_total", "Calls, streams and files that have ended", [
    "driver",
    "method",
    "kind",
    "code",
  ]);
  readonly #durations = this.#histogram("driver_call_duration_seconds", "How long calls and streams took", [
    "driver",
    "method",
  ]);
  readonly #callsOpen = this.#gauge("driver_calls_open", "Calls that are under way", ["driver"]);
  readonly #streamsOpen = this.#gauge("driver_streams_open", "Streams and files that are open", ["driver"]);
  readonly #bytes = this.#counter("stream_bytes_total", "Bytes of streams and files", ["driver", "direction"]);
  readonly #broken = this.#gauge("driver_broken", "1 while a driver does not run", ["driver"]);
  readonly #hooks = this.#counter("hooks_total", "Hooks that have ended", ["hook", "result"]);
  readonly #hookDurations = this.#histogram("hook_duration_seconds", "How long hooks took", ["hook"]);
  #stateNow = "";

  /** Begins the metrics of an exporter that has just been started. */
  constructor({ name, version }: { name: string; version: string }) {
    this.#gauge("exporter_info", "The exporter and its version", ["exporter", "version"])
      .set({ exporter: name, version }, 1);
    this.#gauge("start_time_seconds", "When the exporter was started, as seconds since 1970").setToCurrentTime();
    this.#gauge("resident_memory_bytes", "Memory of the process", [], function (this: Gauge) {
      this.set(Deno.memoryUsage().rss);
    });
    this.#connections.set(0);
    this.#held.set(0);
    this.#waiting.set(0);
  }

  /** What {@linkcode text} is, as HTTP has it. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of them, in the format that Prometheus reads. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts what happens. */
  readonly observe = (event: ExporterEvent): void => {
    switch (event.kind) {
      case "status":
        if (this.#stateNow !== "") this.#state.set({ state: this.#stateNow }, 0);
        this.#stateNow = event.status;
        return this.#state.set({ state: event.status }, 1);
      case "connected":
        this.#connected.inc();
        return this.#connections.inc();
      case "disconnected":
        return this.#connections.dec();
      case "useBegun":
        return this.#open(event.use).inc({ driver: event.use.driver });
      case "useEnded":
        return this.#ended(event.use, event.code);
      case "bytes": {
        const { use: { driver }, toClient, fromClient } = event;
        if (toClient > 0) this.#bytes.inc({ driver, direction: "to_client" }, toClient);
        if (fromClient > 0) this.#bytes.inc({ driver, direction: "from_client" }, fromClient);
        return;
      }
      case "driver":
        return this.#broken.set({ driver: event.driver }, event.fault === undefined ? 0 : 1);
      case "hookEnded":
        this.#hooks.inc({ hook: event.hook, result: event.result });
        return this.#hookDurations.observe({ hook: event.hook }, event.durationMs / 1_000);
      case "holds":
        this.#held.set(event.holder === undefined ? 0 : 1);
        return this.#waiting.set(event.waiting);
    }
  };

  #open({ kind }: DriverUse): Gauge {
    return kind === "call" ? this.#callsOpen : this.#streamsOpen;
  }

  #ended(use: DriverUse, code: UseCode): void {
    const { driver, method, kind, since } = use;
    this.#open(use).dec({ driver });
    this.#calls.inc({ driver, method, kind, code });
    this.#durations.observe({ driver, method }, Math.max(0, Date.now() - since.getTime()) / 1_000);
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `jumpstarter_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = [], collect?: (this: Gauge) => void): Gauge {
    return new Gauge({ name: `jumpstarter_${name}`, help, labelNames, collect, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: string[]): Histogram {
    const registers = [this.#registry];
    return new Histogram({ name: `jumpstarter_${name}`, help, labelNames, buckets: durationBuckets, registers });
  }
}
