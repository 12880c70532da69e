import assert from "node:assert/strict";
import { parseExposition } from "../../tests/fixtures/exposition.ts";
import type { DriverUse, UseKind } from "../exporter_event.ts";
import { ExporterMetrics } from "./metrics.ts";

const use = (kind: UseKind, method: string): DriverUse => ({
  kind,
  driver: "bench.power",
  method,
  address: "192.0.2.7:1",
  isHook: false,
  since: new Date(Date.now() - 200),
});

Deno.test("what happens is counted, and read back as Prometheus would", async () => {
  const metrics = new ExporterMetrics({ name: 'a "bench"\nof \\ mine', version: "1.2.3" });
  const client = { address: "192.0.2.7:1", since: new Date() };
  const on = use("call", "on"), serial = use("openStream", "connect"), left = use("callStream", "read");
  const { observe } = metrics;
  observe({ kind: "status", status: "BEFORE_LEASE_HOOK", message: "" });
  observe({ kind: "status", status: "LEASE_READY", message: "" });
  observe({ kind: "connected", client });
  observe({ kind: "connected", client });
  observe({ kind: "disconnected", client });
  for (const one of [on, serial, left]) observe({ kind: "useBegun", use: one });
  observe({ kind: "useEnded", use: on, code: "ok" });
  observe({ kind: "useEnded", use: left, code: "cancelled" });
  observe({ kind: "bytes", use: serial, toClient: 7, fromClient: 0 });
  observe({ kind: "bytes", use: serial, toClient: 1, fromClient: 2 });
  observe({ kind: "hookEnded", hook: "beforeLease", result: "timedOut", durationMs: 30_000 });
  observe({ kind: "driver", driver: "bench.relay", fault: "no board" });
  observe({ kind: "holds", holder: { name: "ann", address: "192.0.2.7:1", since: new Date() }, waiting: 2 });
  const samples = parseExposition(await metrics.text());
  const wanted = {
    'exporter_info{exporter="a \\"bench\\"\\nof \\\\ mine",version="1.2.3"}': 1,
    'state{state="BEFORE_LEASE_HOOK"}': 0,
    'state{state="LEASE_READY"}': 1,
    "connections_open{}": 1,
    "connections_total{}": 2,
    'driver_calls_total{code="ok",driver="bench.power",kind="call",method="on"}': 1,
    'driver_calls_total{code="cancelled",driver="bench.power",kind="callStream",method="read"}': 1,
    'driver_call_duration_seconds_count{driver="bench.power",method="on"}': 1,
    'driver_call_duration_seconds_bucket{driver="bench.power",le="0.1",method="on"}': 0,
    'driver_call_duration_seconds_bucket{driver="bench.power",le="+Inf",method="on"}': 1,
    'driver_calls_open{driver="bench.power"}': 0,
    'driver_streams_open{driver="bench.power"}': 1,
    'stream_bytes_total{direction="to_client",driver="bench.power"}': 8,
    'stream_bytes_total{direction="from_client",driver="bench.power"}': 2,
    'hooks_total{hook="beforeLease",result="timedOut"}': 1,
    'hook_duration_seconds_sum{hook="beforeLease"}': 30,
    'driver_broken{driver="bench.relay"}': 1,
    "devices_held{}": 1,
    "hold_waiting{}": 2,
  };
  for (const [key, value] of Object.entries(wanted)) assert.equal(samples.get(`jumpstarter_${key}`), value, key);
  assert.ok((samples.get("jumpstarter_resident_memory_bytes{}") ?? 0) > 1e6);
  assert.ok(Math.abs((samples.get("jumpstarter_start_time_seconds{}") ?? 0) - Date.now() / 1_000) < 60);
});
