import assert from "node:assert/strict";
import { ClientPresence } from "./client_presence.ts";
import type { Caller } from "./caller.ts";

function openPresence() {
  const events: string[] = [];
  const presence = new ClientPresence({
    clientCalls: (name) => void events.push(name),
    clientsGone: () => void events.push("gone"),
  });
  const connect = (more: Partial<Caller> = {}) => {
    const connection = new AbortController();
    const caller: Caller = {
      signal: connection.signal,
      connectionClosed: connection.signal,
      peer: "192.0.2.7:1",
      isTrusted: false,
      ...more,
    };
    return { call: () => presence.seen(caller), close: () => connection.abort() };
  };
  return { presence, events, connect };
}

Deno.test("a client has the name in its certificate, else its address", () => {
  const { events, connect } = openPresence();
  connect({ identity: "anna" }).call();
  connect().call();
  assert.deepEqual(events, ["anna", "192.0.2.7:1"]);
});

Deno.test("the clients are gone when the last connection that has called something is closed", () => {
  const { events, connect } = openPresence();
  const first = connect({ identity: "first" }), second = connect({ identity: "second" });
  connect({ identity: "silent" });
  const hook = connect({ isTrusted: true });
  for (const { call } of [first, second, first, hook]) call();
  first.close();
  hook.close();
  assert.deepEqual(events, ["first", "second", "first"]);
  second.close();
  assert.deepEqual(events.slice(3), ["gone"]);
  second.call();
  assert.deepEqual(events.slice(4), [], "a call that comes late brings nobody back");
});

Deno.test("who stays after a session is in the next only once it calls again", () => {
  const { presence, events, connect } = openPresence();
  const stays = connect({ identity: "stays" }), next = connect({ identity: "next" });
  stays.call();
  presence.forget();
  next.call();
  next.close();
  assert.deepEqual(events.splice(0), ["stays", "next", "gone"]);
  presence.forget();
  stays.close();
  assert.deepEqual(events, [], "it was not there");
});
