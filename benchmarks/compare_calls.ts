/** Measures how long calls take on connections that are warm, by one client for both exporters. */
import { fileURLToPath } from "node:url";
import { alternate, type Pair } from "./alternate.ts";
import type { Bench } from "./bench.ts";
import type { Comparison } from "./table.ts";

const runs = 3;
/** How many calls come before those that count, in each turn: machine code is made for what runs often. */
const warmCalls = 20_000;
const calls = 5_000;

/** The program that makes them with our client. */
const timeCalls = fileURLToPath(new URL("./time_calls.ts", import.meta.url));

/** Gives the median and the 99th percentile of many calls, in microseconds. */
type Measure = (bench: Bench) => Promise<readonly [p50: number, p99: number]>;

/** In a process of its own, as the other one: what files have left in the memory of this one is no part of it. */
const byOurs: Measure = async ({ exporter }) => {
  const words = ["run", "-A", timeCalls, exporter.address, `${warmCalls}`, `${calls}`];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: words, stderr: "inherit" }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
};

/** With gRPC's own library for Python and nothing around it, so that what is measured is the exporter. */
const byGrpc: Measure = async ({ python }) =>
  await python.ask(`
    import grpc, os, time
    from google.protobuf.struct_pb2 import Value
    from jumpstarter_protocol import jumpstarter_pb2, jumpstarter_pb2_grpc
    request = jumpstarter_pb2.DriverCallRequest(
        uuid=str(client.probe.uuid), method="echo", args=[Value(number_value=7)]
    )
    with grpc.insecure_channel(os.environ["JUMPSTARTER_HOST"]) as channel:
        stub, took = jumpstarter_pb2_grpc.ExporterServiceStub(channel), []
        for _ in range(${warmCalls + calls}):
            start = time.perf_counter()
            stub.DriverCall(request)
            took.append((time.perf_counter() - start) * 1_000_000)
    took = sorted(took[${warmCalls}:])
    return [took[len(took) // 2], took[len(took) * 99 // 100]]
  `) as [number, number];

async function compare(name: string, measure: Measure, ours: Bench, peer: Bench): Promise<Comparison[]> {
  const p99 = { ours: [] as number[], peer: [] as number[] };
  const turn = (bench: Bench, kept: number[]) => async () => {
    const [median, late] = await measure(bench);
    kept.push(late);
    return median;
  };
  const p50: Pair = await alternate(runs, { ours: turn(ours, p99.ours), peer: turn(peer, p99.peer) });
  const counted: Pair = { ours: p99.ours.slice(1), peer: p99.peer.slice(1) }; // the first turn does not count
  const wanted = { timesFaster: 1 };
  return [
    { name: `${name}, p50`, unit: "µs", pair: p50, wanted },
    { name: `${name}, p99`, unit: "µs", pair: counted, wanted },
  ];
}

/** Compares calls of the two exporters, by gRPC's own client and by ours. */
export async function compareCalls(ours: Bench, peer: Bench): Promise<Comparison[]> {
  return [
    ...await compare("call by gRPC", byGrpc, ours, peer),
    ...await compare("call by our client", byOurs, ours, peer),
  ];
}
