import assert from "node:assert/strict";
import type { LogRecord, LogSource } from "../log.ts";
import { LogFeed } from "./log_feed.ts";

const line = (message: string, source: LogSource = "system"): LogRecord => ({
  time: new Date(0),
  severity: "INFO",
  message,
  source,
});

function push(feed: LogFeed, count: number, source: LogSource = "system", prefix = ""): void {
  for (let number = 0; number < count; number++) feed.push(line(`${prefix}${number}`, source));
}

/** All that a subscriber gets until `last` is among it. */
async function readUntil(feed: LogFeed, last: string): Promise<string[]> {
  const messages: string[] = [];
  for await (const { message } of feed.follow(new AbortController().signal)) {
    messages.push(message);
    if (message === last) break;
  }
  return messages;
}

/** What one who comes now gets at once. */
async function readRecent(feed: LogFeed): Promise<LogRecord[]> {
  return await Array.fromAsync(feed.follow(AbortSignal.abort()));
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index));

Deno.test("every subscriber gets every one of 10,000 lines, in order", async () => {
  const feed = new LogFeed();
  const early = [readUntil(feed, "9999"), readUntil(feed, "9999"), readUntil(feed, "9999")];
  for (let part = 0; part < 100; part++) {
    for (let number = 0; number < 100; number++) feed.push(line(String(100 * part + number)));
    await Promise.resolve();
  }
  for (const messages of await Promise.all(early)) assert.deepEqual(messages, numbers(10_000));
});

Deno.test("one who comes late gets the recent lines first, then the new ones, in order", async () => {
  const feed = new LogFeed();
  push(feed, 10, "beforeLease", "hook ");
  push(feed, 10);
  const late = readUntil(feed, "end");
  feed.push(line("end"));
  assert.deepEqual(await late, [...numbers(10).map((number) => `hook ${number}`), ...numbers(10), "end"]);
});

Deno.test("lines of hooks and others keep the order in which they came", async () => {
  const feed = new LogFeed();
  const order = ["system", "beforeLease", "driver", "afterLease", "beforeLease", "system"] as const;
  for (const [index, source] of order.entries()) feed.push(line(String(index), source));
  assert.deepEqual((await readRecent(feed)).map(({ message }) => message), numbers(order.length));
});

Deno.test("a long hook is kept whole, and does not push the others' lines out", async () => {
  const feed = new LogFeed();
  push(feed, 5, "system", "system ");
  push(feed, 10_000, "beforeLease");
  const recent = await readRecent(feed);
  assert.equal(recent.length, 10_005);
  assert.equal(recent[0]?.message, "system 0");
});

Deno.test("what is dropped is told in its place, with how much it was", async () => {
  const feed = new LogFeed();
  feed.push(line("the hook began", "beforeLease"));
  push(feed, 2_500);
  const recent = await readRecent(feed);
  const [hook, marker, first] = recent;
  assert.equal(hook?.message, "the hook began");
  assert.deepEqual([marker?.message, marker?.severity], ["[1500 lines dropped]", "WARNING"]);
  assert.equal(first?.message, "1500");
  assert.equal(recent.length, 1_002);
});

/** How many characters a page of a test's lines has. */
const page = 64 * 1024;

Deno.test("long lines are kept for as much as they are, and the newest at any length", async () => {
  const feed = new LogFeed();
  for (const source of ["beforeLease", "system"] as const) {
    for (let number = 0; number < 1_000; number++) feed.push(line(`${source} ${number}`.padEnd(page), source));
  }
  const recent = await readRecent(feed);
  const chars = recent.reduce((sum, { message }) => sum + message.length, 0);
  assert.ok(chars < 10 * 1024 * 1024, `${chars} characters are kept`);
  for (const source of ["beforeLease", "system"] as const) {
    const [marker, ...kept] = recent.filter((record) => record.source === source);
    assert.equal(marker?.message, `[${1_000 - kept.length} lines dropped]`);
    assert.equal(kept.at(-1)?.message.trimEnd(), `${source} 999`);
  }
  feed.push(line("x".repeat(20 * 1024 * 1024)));
  assert.equal((await readRecent(feed)).at(-1)?.message.length, 20 * 1024 * 1024);
});

Deno.test("one who falls behind with long lines holds no more of them than of short ones", async () => {
  const feed = new LogFeed();
  const slow = feed.follow(new AbortController().signal);
  feed.push(line("first"));
  assert.equal((await slow.next()).value?.message, "first");
  for (let number = 0; number < 2_000; number++) feed.push(line(String(number).padEnd(page)));
  const { value: marker } = await slow.next();
  const dropped = Number(/^\[(\d+) lines dropped\]$/.exec(marker?.message ?? "")?.[1]);
  assert.ok(dropped > 1_000, marker?.message.slice(0, 80));
  assert.equal((await slow.next()).value?.message.trimEnd(), String(dropped));
  await slow.return(undefined);
});

Deno.test("the last session's hook lines are forgotten when they are to be", async () => {
  const feed = new LogFeed();
  push(feed, 3, "beforeLease", "old ");
  push(feed, 1);
  feed.forgetHookLines();
  feed.push(line("new", "beforeLease"));
  assert.deepEqual((await readRecent(feed)).map(({ message }) => message), ["0", "new"]);
});

Deno.test("one who falls far behind loses its oldest lines, is told so, and holds nothing up", async () => {
  const feed = new LogFeed();
  const slow = feed.follow(new AbortController().signal);
  feed.push(line("first"));
  assert.equal((await slow.next()).value?.message, "first");
  push(feed, 120_000);
  const { value: marker } = await slow.next();
  assert.equal(marker?.message, "[70000 lines dropped]");
  for (let number = 70_000; number < 120_000; number++) {
    const { value } = await slow.next();
    if (value?.message !== String(number)) assert.fail(`${value?.message} came instead of ${number}`);
  }
  feed.push(line("now"));
  assert.equal((await slow.next()).value?.message, "now");
  await slow.return(undefined);
});

Deno.test("the end comes after every line that was written before it", async () => {
  const feed = new LogFeed();
  const stop = new AbortController();
  const reading = Array.fromAsync(feed.follow(stop.signal));
  await Promise.resolve();
  push(feed, 100);
  stop.abort();
  assert.deepEqual((await reading).map(({ message }) => message), numbers(100));
  push(feed, 1);
});

Deno.test("one who waits in vain is woken by the end", async () => {
  const feed = new LogFeed();
  const stop = new AbortController();
  const next = feed.follow(stop.signal).next();
  await Promise.resolve();
  stop.abort();
  assert.equal((await next).done, true);
});
