import { assertBriefError } from "../fixtures/brief_error.ts";
import { exampleConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { jmpWords, Program } from "../fixtures/program.ts";

Deno.test({
  name: "an output on a disk that is full",
  ignore: Deno.build.os !== "linux", // there is no /dev/full
  async fn(t) {
    await using place = await Place.open();
    for (const words of [["version"], ["--help"], ["config", "check", exampleConfig]]) {
      await t.step(`jmp ${words[0]}`, async () => {
        await using program = new Program(place, ["sh", "-c", 'exec "$@" >/dev/full', "sh", ...jmpWords, ...words]);
        const says = /: cannot write to standard output: No space left on device/;
        assertBriefError(await program.ended(), { code: 1, says });
      });
    }
  },
});
