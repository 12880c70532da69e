import { JumpstarterError } from "../errors.ts";
import type { ExporterEvent } from "../exporter_event.ts";
import { ExporterMetrics } from "./metrics.ts";
import type { HttpPlace, HttpWatcher, WatchedExporter } from "./watcher.ts";

/** What the exporter has said last of its state. */
interface State {
  status: string;
  message: string;
}

/** How long requests that are under way may take to end. */
const endGraceMs = 500;

/**
 * Answers `/healthz` (this process serves), `/readyz` (clients may call drivers) and `/metrics` (Prometheus).
 *
 * @throws {JumpstarterError} `listen` when the address cannot be had.
 */
export function openHttp(place: HttpPlace, exporter: WatchedExporter): HttpWatcher {
  const metrics = new ExporterMetrics(exporter);
  const state: State = { status: "AVAILABLE", message: "Starting" };
  const server = listen(place, (request) => answer(request, state, metrics));
  return {
    place: { ...place, port: server.addr.port },
    observe(event: ExporterEvent) {
      metrics.observe(event);
      if (event.kind === "status") ({ status: state.status, message: state.message } = event);
    },
    async [Symbol.asyncDispose]() {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, endGraceMs);
      await Promise.race([server.shutdown(), late.promise]);
      clearTimeout(timer);
    },
  };
}

async function answer({ method, url }: Request, state: State, metrics: ExporterMetrics): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") return text(405, "only GET is answered here\n", { allow: "GET, HEAD" });
  switch (new URL(url).pathname) {
    case "/healthz":
      return text(200, "ok\n");
    case "/readyz":
      return text(state.status === "LEASE_READY" ? 200 : 503, `${state.status}: ${state.message}\n`);
    case "/metrics":
      return text(200, await metrics.text(), { "content-type": metrics.contentType });
    default:
      return text(404, "there are /healthz, /readyz and /metrics\n");
  }
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  const plain = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(body, { status, headers: { ...plain, ...headers } });
}

function listen({ host, port }: HttpPlace, handler: (request: Request) => Promise<Response>) {
  try {
    return Deno.serve({ hostname: host, port, onListen() {/* it is told elsewhere */} }, handler);
  } catch (cause) {
    const known: readonly (readonly [unknown, string])[] = [
      [Deno.errors.AddrInUse, "the address is in use"],
      [Deno.errors.AddrNotAvailable, "this machine has no such address"],
      [Deno.errors.PermissionDenied, "permission denied"],
    ];
    const reason = known.find(([kind]) => cause instanceof (kind as typeof Deno.errors.AddrInUse))?.[1] ??
      (cause instanceof Error ? cause.message : String(cause));
    throw new JumpstarterError("listen", `Cannot listen for HTTP on ${host}:${port}: ${reason}`, {
      hint: "take another port (--http 0 picks one)",
      cause,
    });
  }
}
