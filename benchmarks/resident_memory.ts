/** What the processes of a place occupy, from Linux's own books. */
import { type Place, shortPause } from "../tests/fixtures/place.ts";

/** Memory of a process tree, in MB of 1,000,000 bytes. */
export interface ResidentMemory {
  /** The sum of what each process has resident; pages that several share count several times. */
  readonly rssMb: number;
  /** The same with each shared page divided among those who share it. */
  readonly pssMb: number;
}

/** Waits until the processes of a place are at rest, and measures them. */
export async function residentMemory(place: Place): Promise<ResidentMemory> {
  await atRest(place);
  let rssKib = 0, pssKib = 0;
  for (const pid of (await place.processes()).keys()) {
    const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
    rssKib += kibOf(text, "Rss");
    pssKib += kibOf(text, "Pss");
  }
  return { rssMb: rssKib * 1_024 / 1_000_000, pssMb: pssKib * 1_024 / 1_000_000 };
}

function kibOf(text: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? NaN);
}

/** At rest means: nothing has used the processor between a hundred looks. */
async function atRest(place: Place): Promise<void> {
  const deadline = Date.now() + 10_000;
  let before = "", quietLooks = 0;
  while (quietLooks < 100 && Date.now() < deadline) {
    const now = await processorTime(place);
    quietLooks = now === before ? quietLooks + 1 : 0;
    before = now;
    await shortPause();
  }
}

async function processorTime(place: Place): Promise<string> {
  const times: string[] = [];
  for (const pid of (await place.processes()).keys()) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // After the name in brackets, which may have spaces, user and system time are the 12th and 13th field.
    times.push(stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).join(" "));
  }
  return times.join(", ");
}
