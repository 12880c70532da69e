import assert from "node:assert/strict";
import { formatPortUrl, parsePortUrl } from "./port_url.ts";

Deno.test("devices, sockets and loops are told apart", () => {
  assert.deepEqual(parsePortUrl("/dev/serial/by-id/usb-FTDI_FT232R-if00"), {
    kind: "device",
    path: "/dev/serial/by-id/usb-FTDI_FT232R-if00",
  });
  assert.deepEqual(parsePortUrl("socket://console.lab:4001"), { kind: "socket", host: "console.lab", port: 4001 });
  assert.deepEqual(parsePortUrl("socket://192.0.2.7:80/"), { kind: "socket", host: "192.0.2.7", port: 80 });
  assert.deepEqual(parsePortUrl("socket://[2001:db8::1]:4001?logging=debug"), {
    kind: "socket",
    host: "2001:db8::1",
    port: 4001,
  });
  assert.deepEqual(parsePortUrl("loop://"), { kind: "loop" });
  assert.deepEqual(parsePortUrl("LOOP://"), { kind: "loop" });
});

Deno.test("anything else is answered with what there is", () => {
  const supported = "a device such as /dev/ttyUSB0, socket://HOST:PORT or loop://";
  assert.equal(parsePortUrl("rfc2217://host:1"), `"rfc2217://" is not supported, but ${supported}`);
  assert.equal(parsePortUrl("hwgrep://0403"), `"hwgrep://" is not supported, but ${supported}`);
  for (const url of ["", "COM3", "ttyUSB0", "/dev/tty\0"]) {
    assert.equal(parsePortUrl(url), `"${url}" is not ${supported}`);
  }
  for (
    const url of [
      "socket://",
      "socket://host",
      "socket://:4001",
      "socket://host:0",
      "socket://host:x",
      "socket://h:1/path",
    ]
  ) {
    assert.equal(parsePortUrl(url), `"${url}" is not of the form socket://HOST:PORT`);
  }
});

Deno.test("they are named in messages as in configs", () => {
  for (const url of ["/dev/ttyS0", "socket://[::1]:4001", "socket://lab:4001", "loop://"]) {
    const parsed = parsePortUrl(url);
    assert.equal(typeof parsed === "string" ? parsed : formatPortUrl(parsed), url);
  }
});
