import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Place } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";

/** Writes a program that has `terminal`, the terminal of its process; answers the words that run it. */
async function writeProgram(place: Place, body: string): Promise<string[]> {
  const room = JSON.stringify(fileURLToPath(new URL("./process_terminal.ts", import.meta.url)));
  const head =
    `import { openProcessTerminal } from ${room};\nconst terminal = openProcessTerminal(Deno.env.toObject());\n`;
  return [Deno.execPath(), "run", "--quiet", "-A", await place.write("program.ts", head + body)];
}

Deno.test("what goes to stdout and stderr keeps its order", async () => {
  await using place = await Place.open();
  const words = await writeProgram(
    place,
    `for (let turn = 0; turn < 200; turn++) {
      void terminal.writeOut("out " + turn + "\\n");
      void terminal.writeErr("err " + turn + "\\n");
    }
    await terminal.flush();
    Deno.exit(0);`,
  );
  await using program = new Program(place, ["sh", "-c", `exec "$@" 2>&1`, "sh", ...words]);
  const wanted = Array.from({ length: 200 }, (_, turn) => `out ${turn}\nerr ${turn}\n`).join("");
  assert.equal((await program.ended()).stdout, wanted);
});

Deno.test("nothing is kept of what was written", async () => {
  await using place = await Place.open();
  const [deno = "", ...words] = await writeProgram(
    place,
    `const heapBytes = async (writes) => {
      while (writes-- > 0) await terminal.writeOut("x");
      gc();
      return Deno.memoryUsage().heapUsed;
    };
    const before = await heapBytes(2_000);
    await terminal.writeErr(String(await heapBytes(20_000) - before));
    Deno.exit(0);`,
  );
  words.splice(1, 0, "--v8-flags=--expose-gc");
  await using program = new Program(place, [deno, ...words]);
  const { stderr, code } = await program.ended();
  assert.equal(code, 0);
  assert.ok(Number(stderr) < 2_000_000, `20,000 writes have left ${stderr} bytes`);
});

Deno.test("the first ctrl-C gives up, and the second insists", async () => {
  await using place = await Place.open();
  const words = await writeProgram(
    place,
    `terminal.signal.addEventListener("abort", () => terminal.writeOut(terminal.signal.reason.message + "\\n"));
    await terminal.writeOut("begun\\n");
    const never = setInterval(() => {}, 1000);
    Deno.exit(await terminal.forced);`,
  );
  await using program = new Program(place, words);
  await program.seeOut("begun\n");
  program.signal("SIGINT");
  await program.seeOut("Interrupted\n");
  program.signal("SIGTERM");
  assert.equal((await program.ended()).code, 130);
});

Deno.test("a reader of stdout that leaves is noticed, and stderr goes on", async () => {
  await using place = await Place.open();
  const words = await writeProgram(
    place,
    `while (!terminal.isOutputClosed) await terminal.writeOut("more\\n");
    await terminal.writeOut("nobody reads this");
    await terminal.writeErr(String(terminal.signal.reason.message));
    Deno.exit(0);`,
  );
  await using program = new Program(place, ["sh", "-c", `"$@" | head -n 1`, "sh", ...words]);
  const { stdout, stderr } = await program.ended();
  assert.deepEqual({ stdout, stderr }, { stdout: "more\n", stderr: "Nobody reads the output any more" });
});

Deno.test("how wide the screen is comes from COLUMNS, and is not known without a terminal", async () => {
  await using place = await Place.open();
  const words = await writeProgram(
    place,
    `const { out, err, isInteractive, cwd } = terminal.facts;
    await terminal.writeOut(JSON.stringify({ out, err, isInteractive, cwd }));
    Deno.exit(0);`,
  );
  const facts = async (env: Record<string, string>) => {
    await using program = new Program(place, words, { env, cwd: place.dir });
    return JSON.parse((await program.ended()).stdout);
  };
  const plain = { out: { isTerminal: false }, err: { isTerminal: false }, isInteractive: false, cwd: place.dir };
  assert.deepEqual(await facts({}), plain);
  assert.deepEqual(await facts({ COLUMNS: "wide" }), plain);
  const wide = { isTerminal: false, columns: 132 };
  assert.deepEqual(await facts({ COLUMNS: "132" }), { ...plain, out: wide, err: wide });
});
