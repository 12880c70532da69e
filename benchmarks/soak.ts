/**
 * Leaves an exporter to many clients for ten minutes, or `--seconds N`: calls, streams, uploads, scripts and deaths.
 * Shows what it occupies meanwhile, and ends with 1 where it grows, loses or doubles a log line, or fails a client.
 */
import { join } from "node:path";
import { connect } from "../mod.ts";
import { startExporter } from "../tests/fixtures/exporter.ts";
import { holdingsOf } from "../tests/fixtures/fault_bench.ts";
import { until } from "../tests/fixtures/until.ts";
import { Place, repository } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";

const processes = 5;
const clientsPerProcess = 10;
/** Every so often one of the processes is killed, and another begins. */
const deathEveryMs = 20_000;
const sampleEveryMs = 1_000;
const maxSlopeMbPerMin = 1;
/** What is asked of the full ten minutes; in less time it is less. */
const callsPerMinute = 20_000;

/** What the exporter occupied at one moment. */
interface Sample {
  readonly atMin: number;
  readonly rssMb: number;
  readonly descriptors: number;
}

const at = Deno.args.indexOf("--seconds");
const seconds = at < 0 ? 600 : Number(Deno.args[at + 1]);
if (!(seconds >= 20)) throw new Error("--seconds takes a number, 20 at least");

await using place = await Place.open();
const driver = "jumpstarter_driver_";
await Deno.mkdir(place.path("storage"));
const root = place.path("storage"), runtime = place.path("runtime");
await Deno.mkdir(runtime, { mode: 0o700 });
await using exporter = await startExporter(place, {
  config: {
    export: {
      power: { type: `${driver}power.driver.MockPower` },
      counter: { type: `${join(repository, "benchmarks", "soak_driver.ts")}#counter` },
      tools: { type: `${driver}shell.driver.Shell`, config: { methods: { short: "echo done" } } },
      storage: { type: `${driver}opendal.driver.Opendal`, config: { scheme: "fs", kwargs: { root } } },
      echo: { type: `${driver}network.driver.EchoNetwork` },
    },
  },
  args: ["--runtime-dir", runtime], // so that it does not look for what others have left, while it is counted
  env: { DENO_V8_FLAGS: "--expose-gc" },
});
const { pid } = exporter.program;
/** When the collection comes that `in use` begins with: before memory is judged, since it shrinks for a while. */
const isWarmAt = seconds / 5;
const judgedFrom = seconds * 3 / 10;
const before = await holdingsOf(pid);

await using follower = await connect(exporter.address, { insecure: true });
const lines = { next: 1, lost: 0, doubled: 0 };
const followed = (async () => {
  for await (const { message } of follower.logs()) {
    const number = Number(/^mark (\d+)$/.exec(message)?.[1] ?? NaN);
    if (Number.isNaN(number)) continue;
    if (number < lines.next) lines.doubled++;
    else lines.lost += number - lines.next;
    lines.next = Math.max(lines.next, number + 1);
  }
})().catch((error) => hasEnded || errors.add(`the follower: ${error.message}`));

const errors = new Set<string>();
let hasEnded = false;
let calls = 0, deaths = 0;
const clients: Program[] = [];

function startClients(): Program {
  const script = join(repository, "benchmarks", "soak_clients.ts");
  const words = [Deno.execPath(), "run", "-A", script, exporter.address, String(clientsPerProcess)];
  return new Program(place, [...words, crypto.randomUUID().slice(0, 4)]);
}

/** Adds up what a process has said. It is asked once, when it has ended. */
async function settle(program: Program): Promise<void> {
  program.signal("SIGKILL");
  const { stdout, stderr } = await program.ended();
  for (const line of stdout.split("\n")) {
    if (line.startsWith("calls ")) calls += Number(line.slice("calls ".length));
    if (line.startsWith("error ")) errors.add(line);
  }
  if (stderr !== "") errors.add(stderr);
}

const samples: Sample[] = [];
/** What it had in use after the first fifth, and in the end, both with all clients there. */
const inUse: { atMin: number; bytes: number }[] = [];
const start = performance.now();
const minutes = () => (performance.now() - start) / 60_000;

async function sample(): Promise<void> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const rssMb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024 / 1_000_000;
  const descriptors = (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
  samples.push({ atMin: minutes(), rssMb, descriptors });
}

for (let index = 0; index < processes; index++) clients.push(startClients());
let nextDeath = deathEveryMs;
while (minutes() * 60 < seconds) {
  await new Promise((resolve) => setTimeout(resolve, sampleEveryMs));
  await sample();
  if (inUse.length === 0 && minutes() * 60 > isWarmAt) inUse.push({ atMin: minutes(), bytes: await ask("in_use") });
  if (minutes() * 60_000 < nextDeath) continue;
  nextDeath += deathEveryMs;
  const victim = clients.shift();
  clients.push(startClients());
  if (victim !== undefined) await settle(victim);
  deaths++;
}
inUse.push({ atMin: minutes(), bytes: await ask("in_use") });
for (const client of clients) await settle(client);
const lastNumber = await ask("mark");
await until("the follower has seen the last line", () => lines.next > lastNumber).catch(
  () => {/* what is missing is counted */},
);
hasEnded = true;
await follower[Symbol.asyncDispose]();
await followed;
const isAsBefore = await until("it lets go", async () => {
  return JSON.stringify(await holdingsOf(pid)) === JSON.stringify(before);
}).then(() => true, () => false);

/** Asks the counter, as one more client. */
async function ask(method: "mark" | "in_use"): Promise<number> {
  await using client = await connect(exporter.address, { insecure: true });
  return Number(await client.driver("counter").call(method));
}

/**
 * How fast what is resident grows once it is warm, in MB per minute: the median of the slopes between all pairs of
 * samples. Garbage makes it go up and down by more than a leak would in minutes, and a line that fits best follows
 * where it happens to stand at either end.
 */
function slopeOf(all: readonly Sample[]): number {
  const warm = all.filter(({ atMin }) => atMin * 60 > judgedFrom);
  const slopes = warm.flatMap((one, index) =>
    warm.slice(index + 1).map((other) => (other.rssMb - one.rssMb) / (other.atMin - one.atMin))
  ).sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? NaN;
}

const slope = slopeOf(samples);
const [early, late] = inUse;
const growth = early && late ? (late.bytes - early.bytes) / 1e6 / (late.atMin - early.atMin) : NaN;
const missing = Math.max(0, lastNumber + 1 - lines.next);
const steps = Array.from({ length: 10 }, (_, index) => samples[Math.floor((index + 1) * samples.length / 10) - 1]);
console.log(`${processes * clientsPerProcess} clients for ${seconds} s; ${deaths} times ten of them were killed`);
console.log(`Deno           ${Deno.version.deno}`);
console.log(`calls          ${calls} (${Math.round(calls / seconds)} a second)`);
console.log(
  `memory         ${steps.map((one) => one?.rssMb.toFixed(0)).join(" ")} MB resident, at every tenth of the time`,
);
console.log(`               ${slope.toFixed(2)} MB a minute after the first three tenths`);
console.log(
  `in use         ${inUse.map(({ bytes }) => (bytes / 1e6).toFixed(1)).join(" then ")} MB after a collection, ${
    growth.toFixed(2)
  } MB a minute`,
);
console.log(
  `descriptors    ${steps.map((one) => one?.descriptors).join(" ")}; ${
    isAsBefore ? "as before" : "NOT as before"
  } in the end`,
);
console.log(`log lines      ${lastNumber} numbered ones, ${lines.lost + missing} lost, ${lines.doubled} doubled`);
console.log(`errors         ${errors.size}`);
for (const error of [...errors].slice(0, 10)) console.log(`  ${error.slice(0, 500)}`);
const faults = [
  calls < callsPerMinute * seconds / 60 && "too few calls",
  slope > maxSlopeMbPerMin && "memory grows",
  lines.lost + missing + lines.doubled > 0 && "log lines are lost or doubled",
  errors.size > 0 && "clients failed",
  !isAsBefore && "something was not let go of",
].filter((fault) => fault !== false);
console.log(faults.length === 0 ? "ok" : `NOT OK: ${faults.join(", ")}`);
Deno.exitCode = faults.length === 0 ? 0 : 1;
