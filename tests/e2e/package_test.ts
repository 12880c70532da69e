/** The package as users have it from its registry: published there, run from there, and imported from there. */
import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { writeConfig } from "../fixtures/exporter.ts";
import { serveRegistry } from "../fixtures/package_registry.ts";
import { Place, repository } from "../fixtures/place.ts";
import { type Ended, Program } from "../fixtures/program.ts";

/** Fails unless a program ended well, with this on stdout. */
function assertDone({ code, stdout, stderr }: Ended, expected: string): void {
  assert.deepEqual({ code, stdout }, { code: 0, stdout: expected }, stderr);
}

Deno.test("the published package is a program and a library", async (t) => {
  await using place = await Place.open();
  await using registry = serveRegistry();
  // A cache of its own, since what is published here is nobody else's; the packages from npm are those of every test.
  const denoDir = place.path("deno");
  await Deno.mkdir(denoDir);
  await Deno.symlink(`${place.env.DENO_DIR}/npm`, `${denoDir}/npm`);
  const env = { JSR_URL: registry.url, DENO_DIR: denoDir };
  const start = (words: readonly string[], cwd = place.dir) =>
    new Program(place, [Deno.execPath(), ...words], { cwd, env });
  const run = async (...words: string[]) => {
    await using program = start(words);
    return await program.ended();
  };
  const jmp = ["run", "-A", "jsr:@jumpstarter/cli"];

  await t.step("it can be published", async () => {
    await using program = start(["publish", "--no-check", "--allow-dirty", "--token", "none"], repository);
    const { code, stderr } = await program.ended();
    assert.equal(code, 0, stderr);
  });
  await t.step("jmp version", async () => assertDone(await run(...jmp, "version"), `${project.version}\n`));

  const insecure = "--tls-grpc-insecure";
  const serving = ["--exporter-config", await writeConfig(place), "--tls-grpc-listener", "127.0.0.1:0", insecure];
  await using exporter = start([...jmp, "run", ...serving]);
  const [, address = ""] = await exporter.seeErr(/Listening on (\S+) /);
  await t.step("jmp shell, with its j", async () => {
    const shell = [...jmp, "shell", "--tls-grpc", address, insecure];
    assertDone(await run(...shell, "--", "j", "power", "read"), "0 V  0 A  0 W\n5 V  2 A  10 W\n");
  });
  await t.step("import in a test, types and all", async () => {
    const test = await place.write(
      "board_test.ts",
      `import { connect } from "jsr:@jumpstarter/cli";
      import { PowerClient } from "jsr:@jumpstarter/cli/power";
      Deno.test("the board has power", async () => {
        await using exporter = await connect("${address}", { insecure: true });
        const watts: number[] = [];
        for await (const { voltage, current } of exporter.driver("power", PowerClient).read()) {
          watts.push(voltage * current);
        }
        if (watts.join() !== "0,10") throw new Error(watts.join());
      });\n`,
    );
    const { code, stdout, stderr } = await run("test", "-A", test);
    assert.equal(code, 0, stdout + stderr);
  });
  assert.equal((await exporter.stop()).code, 0);
  await t.step("jmp run --least-privilege, which starts it again", async () => {
    await using restricted = start([...jmp, "run", "--least-privilege", ...serving]);
    await restricted.seeErr("Ready: ");
    assert.equal((await restricted.stop()).code, 0);
  });
});
