import assert from "node:assert/strict";
import { atLeast, Logger, type LogRecord, severities, toAll } from "./log.ts";

Deno.test("a record carries its logger's context, and that of its parents", () => {
  const records: LogRecord[] = [];
  const log = new Logger((record) => records.push(record), { fields: { room: "7" } });
  const driver = log.child({ source: "driver", driverType: "acme.Relay" });
  driver.child({ operation: "on" }).warning("hot", { celsius: "81" });
  log.info("plain");
  const [hot, plain] = records;
  assert.ok(hot?.time instanceof Date);
  const { time: _, ...rest } = hot;
  assert.deepEqual(rest, {
    severity: "WARNING",
    message: "hot",
    source: "driver",
    driverType: "acme.Relay",
    operation: "on",
    fields: { room: "7", celsius: "81" },
  });
  assert.deepEqual([plain?.source, plain?.severity, plain?.fields], ["system", "INFO", { room: "7" }]);
});

Deno.test("each method writes with its severity", () => {
  const seen: string[] = [];
  const log = new Logger(({ severity, message }) => seen.push(`${severity} ${message}`));
  log.debug("a");
  log.info("b");
  log.warning("c");
  log.error("d");
  log.log("CRITICAL", "e");
  assert.deepEqual(seen, ["DEBUG a", "INFO b", "WARNING c", "ERROR d", "CRITICAL e"]);
});

Deno.test("a threshold lets through what is as important, and every sink gets every record", () => {
  for (const [index, least] of severities.entries()) {
    const one: string[] = [], other: string[] = [];
    const log = new Logger(
      toAll(atLeast(least, ({ severity }) => one.push(severity)), ({ severity }) => other.push(severity)),
    );
    for (const severity of severities) log.log(severity, "");
    assert.deepEqual(one, severities.slice(index));
    assert.deepEqual(other, severities);
  }
});
