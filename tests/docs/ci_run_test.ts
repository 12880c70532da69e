/** What `.ci/run` says in the end, which is what others read of it. Its steps are played by a program in npx's place. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Place, repository } from "../fixtures/place.ts";
import { Program } from "../fixtures/program.ts";

/** Stands in for npx. Every step does well, and those that run tests say so as Deno does; but for `$1` of `deno`. */
const npx = (failing: string) =>
  `#!/bin/sh
case "$*" in
  *"${failing}"*) echo "./a_test.ts => one ... FAILED (1ms)"; echo "FAILED | 4 passed | 2 failed (1s)"; exit 1;;
  *"task test") cat <<'END'
./a_test.ts => one ... ignored (0ms)
./a_test.ts => two ... a part (not run: there is no cable) ... ignored (0ms)
./a_test.ts => two ... ok (1ms)
ok | 5 passed (2 steps) | 0 failed | 1 ignored (1 step) (1s)
END
  ;;
  *) echo "ok | 1 passed | 0 failed (1s)";;
esac
`;

/** Runs it with such an npx; answers its code and its last lines. */
async function run(failing: string): Promise<{ code: number; lines: string[] }> {
  await using place = await Place.open();
  await Deno.mkdir(place.path("bin"));
  await place.write("bin/npx", npx(failing), 0o700);
  const env = { PATH: `${place.path("bin")}:${place.env.PATH}` };
  await using program = new Program(place, [join(repository, ".ci", "run")], { env });
  const { code, stdout } = await program.ended();
  return { code, lines: stdout.trimEnd().split("\n") };
}

Deno.test("its last line says how many passed and failed, and nothing else; what was skipped stands before it", async () => {
  const { code, lines } = await run("nothing fails");
  assert.equal(code, 0);
  assert.match(lines.at(-1) ?? "", /^\d+ passed, 0 failed$/);
  const skipped = lines.filter((line) => line.startsWith("SKIPPED "));
  assert.deepEqual(skipped.slice(0, 2), [
    "SKIPPED tests: ./a_test.ts => one",
    "SKIPPED tests: ./a_test.ts => two ... a part (not run: there is no cable)",
  ]);
  assert.match(lines.at(-2) ?? "", new RegExp(`^\\d+ s in all, ${skipped.length} skipped$`));
});

Deno.test("a step that fails counts, is named, and makes the code 1", async () => {
  const { code, lines } = await run("task test");
  assert.equal(code, 1);
  assert.match(lines.at(-1) ?? "", /^\d+ passed, \d+ failed$/);
  assert.ok(lines.includes("FAILED tests: exit code 1, FAILED | 4 passed | 2 failed (1s)"), lines.join("\n"));
});
