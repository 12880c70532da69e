/** Measures files and calls between the two implementations; README.md says how to read what it prints. */
import assert from "node:assert/strict";
import { Place } from "../tests/fixtures/place.ts";
import { ourSide, type Side } from "../tests/peer/support/side.ts";
import { alternate, type Pair } from "./alternate.ts";
import { type Bench, openBench } from "./bench.ts";
import { compareCalls } from "./compare_calls.ts";
import type { Comparison } from "./table.ts";

const mib = 1024 * 1024;
/** How often each pairing is measured. */
const runs = 3;

const adapter = (path: string, mode: string) => `
  from jumpstarter_driver_opendal.adapter import OpendalAdapter
  from opendal import Operator
  with OpendalAdapter(
      client=client.probe, operator=Operator("fs", root="/"), path=${JSON.stringify(path)}, mode="${mode}"
  ) as handle:
`;

/** Compares transfers of a file of so many bytes, and calls; the drivers hash what they read. */
export async function compareTransfers(python: Side, bytes: number): Promise<Comparison[]> {
  await using place = await Place.open();
  const source = place.path("source"), target = place.path("target");
  {
    using file = await Deno.open(source, { write: true, create: true });
    const block = crypto.getRandomValues(new Uint8Array(65_536));
    for (let at = 0; at < bytes; at += block.length) await file.write(block);
  }
  await using intoOurs = await openBench(place, ourSide, python);
  await using intoPeer = await openBench(place, python, python);
  const timed = async (use: () => Promise<void>) => {
    const start = performance.now();
    await use();
    return performance.now() - start;
  };
  const oursUp = ({ ours }: Bench) => () =>
    timed(async () => {
      const [count] = await ours.upload("take", (await Deno.open(source)).readable) as [number];
      assert.equal(count, bytes);
    });
  const oursDown = ({ ours }: Bench) => () =>
    timed(async () => void await ours.download("give", (await Deno.create(target)).writable, (file) => [file, bytes]));
  const pythonUp = ({ python }: Bench) => () =>
    timed(async () => {
      const [count] = await python.ask(`${adapter(source, "rb")}      return client.probe.call("take", handle)`) as [
        number,
      ];
      assert.equal(count, bytes);
    });
  const pythonDown = ({ python }: Bench) => () =>
    timed(async () =>
      void await python.ask(`${adapter(target, "wb")}      client.probe.call("give", handle, ${bytes})`)
    );
  const pairOf = (ours: () => Promise<number>, peer: () => Promise<number>): Promise<Pair> =>
    alternate(runs, { ours, peer });
  const up = await pairOf(oursUp(intoOurs), pythonUp(intoPeer));
  const down = await pairOf(oursDown(intoOurs), pythonDown(intoPeer));
  const mixedUp = await pairOf(pythonUp(intoOurs), pythonUp(intoPeer));
  const mixedDown = await pairOf(pythonDown(intoOurs), pythonDown(intoPeer));
  await using oursApart = await openBench(place, ourSide, python, { apart: true });
  await using peerApart = await openBench(place, python, python, { apart: true });
  const apartUp = await pairOf(pythonUp(oursApart), pythonUp(peerApart));
  const apartDown = await pairOf(pythonDown(oursApart), pythonDown(peerApart));
  const memory = { ours: [await peakMb(intoOurs)], peer: [await peakMb(intoPeer)] };
  const calls = await compareCalls(intoOurs, intoPeer);
  const size = `${Math.round(bytes / mib)} MiB`;
  return [
    { name: `upload of ${size}`, unit: "ms", pair: up, wanted: { timesFaster: 1.5 } },
    { name: `download of ${size}`, unit: "ms", pair: down, wanted: { timesFaster: 1.5 } },
    { name: `upload, Python client`, unit: "ms", pair: mixedUp, wanted: { timesFaster: 1 } },
    { name: `download, Python client`, unit: "ms", pair: mixedDown, wanted: { timesFaster: 1 } },
    { name: `upload, Python client apart`, unit: "ms", pair: apartUp, wanted: { timesFaster: 1 } },
    { name: `download, Python client apart`, unit: "ms", pair: apartDown, wanted: { timesFaster: 1 } },
    { name: "most memory meanwhile", unit: "MB", pair: memory, wanted: { share: 3 } },
    ...calls,
  ];
}

/** The most that an exporter had resident since it was started. */
async function peakMb({ exporter }: Bench): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${exporter.program.pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024 / 1_000_000;
}
