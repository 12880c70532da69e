/** A device of the soak: it numbers its log lines, and has a call that waits until its caller gives up. */
import { call, defineDriver, type DriverDefinition } from "../src/driver/mod.ts";

/** Its only state is how many lines it has written. */
export const counter: DriverDefinition = defineDriver({
  type: "soak.Counter",
  client: "soak.CounterClient",
  summary: "Numbers its log lines",
  start: () => ({ lines: 0 }),
  methods: {
    mark: call({
      concurrent: true,
      run: (device: { lines: number }, _args, { log }) => {
        log.info(`mark ${++device.lines}`);
        return device.lines;
      },
    }),
    /** What its exporter has in use once all that is garbage is gone, in bytes. */
    in_use: call({
      concurrent: true,
      async run() {
        for (let count = 0; count < 3; count++) {
          (globalThis as { gc?: () => void }).gc?.();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const { heapUsed, external } = Deno.memoryUsage();
        return heapUsed + external;
      },
    }),
    wait: call({
      concurrent: true,
      run: (_device, _args, { signal }) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
    }),
  },
});
