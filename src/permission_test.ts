import assert from "node:assert/strict";
import { allPermissions, type Permission, permissionFlags, permissionSet } from "./permission.ts";

const some: readonly Permission[] = [
  { kind: "net", of: "127.0.0.1:19090" },
  { kind: "read", of: "/etc/b" },
  { kind: "read", of: "/etc/a" },
  { kind: "read", of: "/etc/b" },
];

Deno.test("permissions become flags, each value once, in one order", () => {
  assert.deepEqual(permissionFlags(some), ["--allow-read=/etc/a,/etc/b", "--allow-net=127.0.0.1:19090"]);
  assert.deepEqual(permissionSet(some), { read: ["/etc/a", "/etc/b"], net: ["127.0.0.1:19090"] });
});

Deno.test("all of a kind swallows what is listed of it", () => {
  const permissions: readonly Permission[] = [...some, { kind: "read" }];
  assert.deepEqual(permissionFlags(permissions), ["--allow-read", "--allow-net=127.0.0.1:19090"]);
});

Deno.test("what needs every kind needs --allow-all, which alone opens device files", () => {
  assert.deepEqual(permissionFlags([...some, ...allPermissions]), ["--allow-all"]);
});

Deno.test("Deno itself takes a value with a comma as one value", async () => {
  const dir = await Deno.makeTempDir({ prefix: "permission,test-" });
  await Deno.writeTextFile(`${dir}/fact`, "read");
  const program = `${dir}/probe.ts`;
  await Deno.writeTextFile(program, `console.log(Deno.readTextFileSync(${JSON.stringify(`${dir}/fact`)}))`);
  const flags = permissionFlags([{ kind: "read", of: `${dir}/fact` }]);
  const run = new Deno.Command(Deno.execPath(), { args: ["run", "--quiet", "--no-prompt", ...flags, program] });
  const { stdout, stderr } = await run.output();
  await Deno.remove(dir, { recursive: true });
  assert.equal(new TextDecoder().decode(stdout), "read\n", new TextDecoder().decode(stderr));
});
