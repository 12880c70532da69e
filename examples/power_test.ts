/**
 * A test that drives a device. Run it where an exporter is at hand:
 *
 * ```sh
 * jmp shell --exporter-config examples/example-direct.yaml -- deno test -A examples/power_test.ts
 * jmp shell --tls-grpc 127.0.0.1:19090 --tls-grpc-insecure -- deno test -A examples/power_test.ts
 * ```
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect } from "@jumpstarter/cli";
import { PowerClient } from "@jumpstarter/cli/power";

Deno.test("the board draws power once it is on", async () => {
  await using exporter = await connect(Deno.env.get("JUMPSTARTER_HOST") ?? "127.0.0.1:19090", {
    insecure: Deno.env.get("JMP_GRPC_INSECURE") === "1",
    passphrase: Deno.env.get("JMP_GRPC_PASSPHRASE"),
    holdToken: Deno.env.get("JMP_HOLD"),
  });
  const power = exporter.driver("power", PowerClient);
  await power.on();
  let most = 0;
  for await (const { voltage, current } of power.read()) most = Math.max(most, voltage * current);
  await power.off();
  assert.ok(most > 1, `it draws ${most} W`);
});
