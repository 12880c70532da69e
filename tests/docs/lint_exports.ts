/**
 * Lints the documentation of every module in the `exports` of deno.json: `deno task doc`. Ends as the lint does.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };

const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--quiet", "--lint", ...Object.values(project.exports)],
  cwd: new URL("../../", import.meta.url),
}).spawn().status;
Deno.exit(code);
