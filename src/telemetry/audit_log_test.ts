import assert from "node:assert/strict";
import type { DriverUse, ExporterObserver } from "../exporter_event.ts";
import { Place } from "../../tests/fixtures/place.ts";
import { openAuditLog } from "./audit_log.ts";

const use: DriverUse = {
  kind: "openStream",
  driver: "bench.serial",
  method: "connect",
  identity: "ann",
  address: "192.0.2.7:1",
  isHook: false,
  since: new Date(),
};

function tellOfAStream(observe: ExporterObserver): void {
  observe({ kind: "status", status: "LEASE_READY", message: "" });
  observe({ kind: "useBegun", use });
  observe({ kind: "bytes", use, toClient: 5, fromClient: 0 });
  observe({ kind: "bytes", use, toClient: 2, fromClient: 3 });
  observe({ kind: "useEnded", use, code: "busy" });
}

Deno.test("lines are added to what is there, in a file that only its owner reads", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/audit`;
    for (let run = 0; run < 2; run++) {
      await using log = await openAuditLog({ file }, assert.fail);
      tellOfAStream(log.observe);
    }
    const lines = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(lines.length, 2);
    const { time, durationMs, ...rest } = lines[1];
    assert.ok(Date.parse(time) > 0 && durationMs >= 0);
    assert.deepEqual(rest, {
      event: "openStream",
      identity: "ann",
      address: "192.0.2.7:1",
      hook: false,
      driver: "bench.serial",
      method: "connect",
      code: "busy",
      toClient: 7,
      fromClient: 3,
    });
    if (Deno.build.os !== "windows") assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("who holds the devices is told when it changes, and not when others begin to wait", async () => {
  const lines: string[] = [];
  await using log = await openAuditLog({ write: (line) => lines.push(line) }, assert.fail);
  const holder = { name: "ann", address: "192.0.2.7:1", since: new Date() };
  log.observe({ kind: "holds", holder, waiting: 0 });
  log.observe({ kind: "holds", holder, waiting: 1 });
  log.observe({ kind: "holds", holder: undefined, waiting: 1 });
  const facts = lines.map((line) => JSON.parse(line)).map(({ event, name, address }) => [event, name, address]);
  assert.deepEqual(facts, [["held", "ann", "192.0.2.7:1"], ["released", undefined, undefined]]);
});

Deno.test("what cannot be written keeps nothing from going on, and is told of once", async () => {
  const warnings: string[] = [];
  const write = () => {
    throw new Error("Input/output error");
  };
  await using log = await openAuditLog({ write }, (line) => warnings.push(line));
  for (let use = 0; use < 2; use++) tellOfAStream(log.observe);
  assert.deepEqual(warnings, ["Cannot write the audit log: Input/output error"]);
});

Deno.test({
  name: "a disk that is full is told of once",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const warnings: string[] = [];
    const first = Promise.withResolvers<void>();
    {
      await using log = await openAuditLog({ file: "/dev/full" }, (line) => {
        warnings.push(line);
        first.resolve();
      });
      tellOfAStream(log.observe);
      await first.promise;
      tellOfAStream(log.observe); // what is left is written before the log is closed
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^Cannot write the audit log \/dev\/full: .*No space left/);
  },
});

Deno.test("a file that cannot be opened is the config's fault", async () => {
  await assert.rejects(openAuditLog({ file: "/nonexistent/audit" }, assert.fail), /there is no such directory$/);
});

Deno.test({
  name: "a pipe that nobody reads is not waited for without an end",
  ignore: Deno.build.os === "windows", // there are no such pipes
  async fn() {
    await using place = await Place.open();
    const file = await place.makePipe("audit");
    await assert.rejects(openAuditLog({ file }, assert.fail, 50), /nobody reads that pipe$/);
  },
});

Deno.test("a line that comes as the last one has been written is written too", async () => {
  const dir = await Deno.makeTempDir();
  const { write } = Deno.FsFile.prototype;
  try {
    const written = Promise.withResolvers<void>();
    Deno.FsFile.prototype.write = () => Promise.reject(new Error("once"));
    {
      await using log = await openAuditLog({ file: `${dir}/audit` }, (line) => {
        if (!line.includes("once")) return;
        Deno.FsFile.prototype.write = write;
        queueMicrotask(() => {
          tellOfAStream(log.observe);
          written.resolve();
        });
      });
      tellOfAStream(log.observe);
      await written.promise;
    }
    assert.match(await Deno.readTextFile(`${dir}/audit`), /^\{.*\}\n$/);
  } finally {
    Deno.FsFile.prototype.write = write;
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a file that was renamed is opened anew when it is asked for, and no line is lost or cut", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/audit`;
    const rounds = 5, each = 200;
    {
      await using log = await openAuditLog({ file }, assert.fail);
      for (let round = 0; round < rounds; round++) {
        for (let count = 0; count < each; count++) tellOfAStream(log.observe);
        await Deno.rename(file, `${file}.${round}`);
        const reopened = log.reopen?.();
        for (let count = 0; count < each; count++) tellOfAStream(log.observe);
        await reopened;
        assert.ok((await Deno.stat(file)).isFile);
      }
    }
    const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
    assert.equal(names.length, rounds + 1);
    const texts = await Promise.all(names.map((name) => Deno.readTextFile(`${dir}/${name}`)));
    const lines = texts.flatMap((text) => text.split("\n").filter((line) => line !== ""));
    for (const line of lines) JSON.parse(line);
    assert.equal(lines.length, rounds * 2 * each);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("where a file cannot be opened anew, the one before goes on, and that is told", async () => {
  const dir = await Deno.makeTempDir();
  const moved = `${dir}-moved`;
  try {
    const warnings: string[] = [];
    {
      await using log = await openAuditLog({ file: `${dir}/audit` }, (line) => warnings.push(line));
      await Deno.rename(dir, moved);
      await log.reopen?.();
      tellOfAStream(log.observe);
    }
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /^Cannot open the audit log .*: there is no such directory; the one before goes on$/,
    );
    assert.match(await Deno.readTextFile(`${moved}/audit`), /^\{.*\}\n$/);
  } finally {
    await Deno.remove(moved, { recursive: true });
  }
});

Deno.test({
  name: "an end that comes before the last lines are taken is told",
  ignore: Deno.build.os === "windows", // it has no such pipes
  async fn() {
    await using place = await Place.open();
    const file = await place.makePipe("audit");
    using _reader = await Deno.open(file, { read: true, write: true }); // which reads nothing
    const warnings: string[] = [];
    {
      await using log = await openAuditLog({ file }, (line) => warnings.push(line), 50);
      for (let use = 0; use < 1_000; use++) tellOfAStream(log.observe); // more than a pipe holds
    }
    assert.deepEqual(warnings, [`The audit log ${file} has not taken its last lines, which are missing`]);
  },
});
