import fc from "fast-check";
import assert from "node:assert/strict";
import { type Address, formatAddress, parseAddress, parseListenAddress } from "./address.ts";
import { JumpstarterError } from "./errors.ts";

const isUsage = (error: unknown) => error instanceof JumpstarterError && error.code === "usage";

Deno.test("where to listen: a bare port is every address, and a host narrows it", () => {
  const cases: [string, Address][] = [
    ["19090", { kind: "tcp", port: 19090 }],
    ["0", { kind: "tcp", port: 0 }],
    [":0", { kind: "tcp", host: undefined, port: 0 }],
    ["*:0", { kind: "tcp", host: undefined, port: 0 }],
    ["0.0.0.0:19090", { kind: "tcp", host: "0.0.0.0", port: 19090 }],
    ["[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
    ["bench.lab:65535", { kind: "tcp", host: "bench.lab", port: 65535 }],
  ];
  for (const [text, address] of cases) assert.deepEqual(parseListenAddress(text), address, text);
});

Deno.test("what is no place to listen is a usage error that names it", () => {
  for (const text of ["", "bench", "bench:", "bench:http", "65536", "bench:65536", "bench:-1", "::1", "[::1]"]) {
    assert.throws(() => parseListenAddress(text), (error) => {
      assert.ok(isUsage(error), text);
      assert.ok((error as Error).message.includes(`"${text}"`));
      return true;
    });
  }
});

Deno.test("whom to call: a host has the port 19090 unless it says another, and a slash makes a socket", () => {
  const cases: [string, Address][] = [
    ["bench", { kind: "tcp", host: "bench", port: 19090 }],
    ["bench:1", { kind: "tcp", host: "bench", port: 1 }],
    ["::1", { kind: "tcp", host: "::1", port: 19090 }],
    ["[::1]", { kind: "tcp", host: "::1", port: 19090 }],
    ["[fe80::1%eth0]:80", { kind: "tcp", host: "fe80::1%eth0", port: 80 }],
    ["/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["./x.sock", { kind: "unix", path: "./x.sock" }],
    ["unix:x.sock", { kind: "unix", path: "x.sock" }],
    ["unix:/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["unix:///run/x.sock", { kind: "unix", path: "/run/x.sock" }],
  ];
  for (const [text, address] of cases) assert.deepEqual(parseAddress(text), address, text);
});

Deno.test("what nobody can be called at is a usage error", () => {
  for (const text of ["", ":19090", "bench:0", "bench:x", "bench:99999", "[]:1"]) {
    assert.throws(() => parseAddress(text), isUsage, text);
  }
});

Deno.test("a URL, and a target of gRPC's, is a usage error that says what to write", () => {
  const urls = ["http://127.0.0.1:19090", "https://bench", "grpc://[::1]:19090", "HTTP://x:1", "dns:///bench:19090"];
  for (const parse of [parseAddress, parseListenAddress]) {
    for (const text of [...urls, "dns:bench:19090", "ipv4:127.0.0.1:19090", "ipv6:[::1]:19090"]) {
      assert.throws(() => parse(text), (error) => {
        assert.ok(isUsage(error) && error instanceof JumpstarterError, String(error));
        assert.match(error.message, urls.includes(text) ? /it is a URL$/ : /neither HOST:PORT nor an IPv6 address$/);
        assert.match(error.hint ?? "", /^write HOST:PORT without a scheme, such as /);
        return true;
      });
    }
  }
  assert.throws(() => parseListenAddress("unix:///run/x.sock"), /it is a URL$/);
});

Deno.test("an address reads back as it is written", () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
    const address = { kind: "tcp" as const, host, port };
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  }));
  assert.equal(formatAddress({ kind: "tcp", port: 7 }), "*:7");
  assert.equal(formatAddress({ kind: "unix", path: "/x" }), "/x");
});
