import assert from "node:assert/strict";
import { JumpstarterError } from "../errors.ts";
import { type Claim, type HoldEvent, HoldTable, type OpenUses } from "./hold_table.ts";

/** Uses that a test begins and ends by hand. */
class Uses implements OpenUses {
  readonly open = new Map<string, { token?: string; told?: string }>();
  #end = Promise.withResolvers<void>();

  ofOthers(token: string | undefined) {
    for (const [what, use] of this.open) {
      if (use.token === undefined || use.token !== token) {
        return { what, client: { name: "", peer: "192.0.2.9:1", since: new Date(0) } };
      }
    }
    return undefined;
  }

  nextEnd(): Promise<void> {
    return this.#end.promise;
  }

  close(what: string): void {
    this.open.delete(what);
    this.#end.resolve();
    this.#end = Promise.withResolvers<void>();
  }

  end(choice: { heldBy: string } | { notHeldBy: string }, reason: JumpstarterError): Promise<void> {
    for (const [what, { token }] of this.open) {
      const isMeant = "heldBy" in choice ? token === choice.heldBy : token !== choice.notHeldBy;
      if (!isMeant) continue;
      this.ended.push(`${what}: ${reason.message}`);
      this.close(what);
    }
    return Promise.resolve();
  }

  readonly ended: string[] = [];
}

/** A client whose events are asked for one by one. */
class Client {
  readonly gone = new AbortController();
  readonly events: AsyncGenerator<HoldEvent>;

  constructor(table: HoldTable, name: string, how: Partial<Pick<Claim, "wait" | "steal">> = {}) {
    const claim = { name, peer: `${name}:1`, token: name, wait: false, steal: false, ...how };
    this.events = table.hold({ ...claim, signal: this.gone.signal });
  }

  async next(): Promise<HoldEvent> {
    const { value, done } = await this.events.next();
    return done ? assert.fail("the hold has ended") : value;
  }

  /** Waits until nobody is in the way any more. */
  async held(): Promise<void> {
    let event = await this.next();
    while (event.kind === "waiting") event = await this.next();
    assert.equal(event.kind, "held");
  }

  async leave(): Promise<void> {
    this.gone.abort();
    const { done } = await this.events.next();
    assert.equal(done, true);
  }
}

function refusal(of: RegExp) {
  return (error: unknown) => error instanceof JumpstarterError && error.code === "busy" && of.test(error.message);
}

Deno.test("while nobody holds the devices, everyone may use them", () => {
  new HoldTable(new Uses()).admit(undefined);
});

Deno.test("a hold lets its own calls pass and no others, and ends with its client", async () => {
  const table = new HoldTable(new Uses());
  const ann = new Client(table, "ann");
  await ann.held();
  table.admit("ann");
  assert.equal(table.holder?.name, "ann");
  assert.throws(() => table.admit(undefined), refusal(/^busy: held by ann from ann:1 since \d{4}-.*Z$/));
  assert.throws(() => table.admit("another"), refusal(/held by ann/));
  await ann.leave();
  assert.equal(table.holder, undefined);
  table.admit(undefined);
});

Deno.test("who does not wait is told at once who holds, waits for or uses the devices", async () => {
  const uses = new Uses();
  const table = new HoldTable(uses);
  uses.open.set("power.read", {});
  await assert.rejects(new Client(table, "bob").next(), refusal(/^busy: power\.read in use by 192\.0\.2\.9:1 since/));
  const eve = new Client(table, "eve", { wait: true });
  assert.equal((await eve.next()).kind, "waiting");
  await assert.rejects(new Client(table, "bob").next(), refusal(/^busy: waited for by eve/));
  uses.close("power.read");
  await eve.held();
  await assert.rejects(new Client(table, "bob").next(), refusal(/^busy: held by eve/));
});

Deno.test("those who wait come in the order of their coming, and are told how it stands", async () => {
  const table = new HoldTable(new Uses());
  const ann = new Client(table, "ann");
  await ann.held();
  const [bob, eve] = [new Client(table, "bob", { wait: true }), new Client(table, "eve", { wait: true })];
  const first = await bob.next();
  assert.deepEqual(first.kind === "waiting" && [first.ahead, first.other?.name], [0, "ann"]);
  const second = await eve.next();
  assert.deepEqual(second.kind === "waiting" && second.ahead, 1);
  assert.equal(table.waiting, 2);
  const bobHolds = bob.held();
  await ann.leave();
  await bobHolds;
  const moved = await eve.next();
  assert.deepEqual(moved.kind === "waiting" && [moved.ahead, moved.other?.name], [0, "bob"]);
  await bob.leave();
  await eve.held();
});

Deno.test("who leaves the queue leaves no gap", async () => {
  const table = new HoldTable(new Uses());
  const ann = new Client(table, "ann");
  await ann.held();
  const [bob, eve] = [new Client(table, "bob", { wait: true }), new Client(table, "eve", { wait: true })];
  await bob.next();
  await eve.next();
  await bob.leave();
  assert.equal(table.waiting, 1);
  const eveHolds = eve.held();
  await ann.leave();
  await eveHolds;
});

Deno.test("a take-over tells the one who lost, breaks off what is open, and passes those who wait", async () => {
  const uses = new Uses();
  const table = new HoldTable(uses);
  const ann = new Client(table, "ann");
  await ann.held();
  uses.open.set("power.read", { token: "ann" });
  const annLoses = ann.next();
  const bob = new Client(table, "bob", { wait: true });
  await bob.next();
  const eve = new Client(table, "eve", { steal: true });
  const eveHolds = eve.held();
  const lost = await annLoses;
  assert.deepEqual(lost.kind === "lost" && lost.other.name, "eve");
  assert.deepEqual(uses.ended, ["power.read: the devices were taken over by eve from eve:1"]);
  await ann.events.next();
  await eveHolds;
  assert.equal(table.holder?.name, "eve");
  assert.equal(table.waiting, 1);
  assert.throws(() => table.admit("ann"), refusal(/held by eve/));
});

Deno.test("what a client has begun under its hold ends with it", async () => {
  const uses = new Uses();
  const table = new HoldTable(uses);
  const ann = new Client(table, "ann");
  await ann.held();
  uses.open.set("serial.connect", { token: "ann" });
  await ann.leave();
  assert.deepEqual(uses.ended, ["serial.connect: The client that held the devices has let go of them"]);
});

Deno.test("nobody slips in while a take-over waits for what is under way to end", async () => {
  const uses = new Uses();
  const table = new HoldTable(uses);
  const ann = new Client(table, "ann");
  await ann.held();
  const ends = Promise.withResolvers<void>();
  uses.end = () => ends.promise;
  const eve = new Client(table, "eve", { steal: true });
  const eveLoses = eve.next();
  for (const token of ["ann", "bob", undefined]) assert.throws(() => table.admit(token), refusal(/held by eve/));
  const zoe = new Client(table, "zoe", { steal: true });
  const zoeHolds = zoe.held();
  ends.resolve();
  const lost = await eveLoses;
  assert.equal(lost.kind === "lost" && lost.other.name, "zoe");
  await zoeHolds;
  assert.equal(table.holder?.name, "zoe");
});
