/**
 * Makes calls with our client, one after the other, and prints how long the median and the 99th percentile took, in
 * microseconds. Its words: the exporter's address, how many calls come before those that count, and how many count.
 */
import { connect } from "../mod.ts";

const [address = "", warmCalls, calls] = Deno.args;
await using exporter = await connect(address, { insecure: true });
const probe = exporter.driver("probe");
const took: number[] = [];
for (let call = -Number(warmCalls); call < Number(calls); call++) {
  const start = performance.now();
  await probe.call("echo", [call]);
  if (call >= 0) took.push((performance.now() - start) * 1_000);
}
took.sort((a, b) => a - b);
console.log(JSON.stringify([took[took.length >> 1], took[Math.floor(took.length * 0.99)]]));
